#include "cli/progress.h"

#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace retinaface::cli {

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::show(std::size_t done, std::size_t of) {
  constexpr std::chrono::milliseconds kBetween{100};
  if (!on_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (shown_ && done != of && now - last_ < kBetween) return;
  shown_ = true;
  last_ = now;
  fmt::print(stderr, "\r\x1b[K{}: {} of {}", what_, done, of);
  std::fflush(stderr);
}

}  // namespace retinaface::cli
