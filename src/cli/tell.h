#pragma once

#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace retinaface::cli {

/// Writes to standard error, at once and as a whole. All that a command says beside its results
/// goes through here: what cannot be told (the disk is full, the reader has gone) must not stop
/// what is done, so that nothing is ever thrown.
template <typename... Args>
void tell(fmt::format_string<Args...> format, Args&&... args) noexcept {
  try {
    const std::string text = fmt::format(format, std::forward<Args>(args)...);
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  } catch (...) {
    std::fputs("retinaface: out of memory\n", stderr);
  }
}

}  // namespace retinaface::cli
