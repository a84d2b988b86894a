#include "cli/interruption.h"

#include <atomic>
#include <csignal>

#include "base/asked_to_end.h"

namespace retinaface::cli {
namespace {

void note(int) {
  asked_to_end() = true;
}

}  // namespace

const std::atomic<bool>& end_cleanly_when_interrupted() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction present {};  // `nohup` has it ignored
  ::sigaction(SIGHUP, nullptr, &present);
  if (present.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);
  return asked_to_end();
}

}  // namespace retinaface::cli
