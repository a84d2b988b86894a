#pragma once

#include <cstdlib>
#include <string_view>

#include "retinaface/error.h"

namespace retinaface::fuzz {

/// Runs `action` on input that may be anything: it ends well, or by an Error whose message is one
/// line of sensible length. Whatever else it does is a crash for the fuzzer to report.
template <typename Action>
void allow_errors(Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    const bool fine = !message.empty() && message.size() < 4000 &&
                      message.find_first_of("\r\n") == std::string_view::npos;
    if (!fine) std::abort();
  }
}

}  // namespace retinaface::fuzz
