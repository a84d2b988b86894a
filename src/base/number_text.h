#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace retinaface {
inline namespace internal {

// What is wrong with the value of an option: "expected a number from 0 to 1, found 'x'"; empty if
// nothing is.

/// `min` to `max`; never NaN or infinite.
std::string number_fault(const std::string& text, double min,
                         double max = std::numeric_limits<double>::infinity());

std::string whole_number_fault(const std::string& text, std::int64_t min,
                               std::int64_t max = std::numeric_limits<std::int64_t>::max());

}  // namespace internal
}  // namespace retinaface
