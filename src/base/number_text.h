#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace retinaface {
inline namespace internal {

/// The number that the text is, from its first character to its last; nothing where it is anything
/// else or lies outside the type.
template <typename T>
std::optional<T> read_number(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

// What is wrong with the value of an option: "expected a number from 0 to 1, found 'x'"; empty if
// nothing is.

/// `min` to `max`, of which those of a float's range or more are none to people; never NaN or
/// infinite.
std::string number_fault(const std::string& text, double min,
                         double max = std::numeric_limits<double>::infinity());

std::string whole_number_fault(const std::string& text, std::int64_t min,
                               std::int64_t max = std::numeric_limits<std::int64_t>::max());

}  // namespace internal
}  // namespace retinaface
