#pragma once

#include <utility>

#include <fmt/format.h>

#include "retinaface/error.h"

namespace retinaface {
inline namespace internal {

/// Throws Error with a message formatted as by fmt::format.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Ends the program with the failed condition and its place; see RF_CHECK.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace internal
}  // namespace retinaface

/// A condition that only a mistake of this project can break; never for input. Active in every
/// build.
#define RF_CHECK(condition) \
  ((condition) ? void(0) : ::retinaface::check_failed(#condition, __FILE__, __LINE__))
