#include "cli/progress.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/tell.h"

namespace retinaface::cli {

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  hide();
}

void ProgressLine::hide() {
  if (shown_) tell("\r\x1b[K");
  shown_ = false;
}

void ProgressLine::show(std::size_t done, std::size_t of) {
  constexpr std::chrono::milliseconds kBetween{100};
  if (!on_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (shown_ && done != of && now - last_ < kBetween) return;
  shown_ = true;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done) / std::max(seconds, 1e-3);
  tell("\r\x1b[K{}: {}", what_, done);
  if (of > 0) tell(" of {}", std::max(done, of));
  if (done > 0 && done != of) tell(", {:.1f}/s", rate);
  if (done > 0 && done < of) {
    tell(", {:.0f} s left", static_cast<double>(of - done) / rate);
  }
}

}  // namespace retinaface::cli
