#include "base/number_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"

namespace retinaface {
inline namespace internal {
namespace {

/// `range` says which values are meant: " from 0 to 1", " of 1 or more".
template <typename T>
std::string fault(const std::string& text, const char* kind, const std::string& range, T min,
                  T max) {
  const std::optional<T> value = read_number<T>(text);
  // Written so that NaN is refused.
  const bool is_good = value && *value >= min && *value <= max;
  return is_good ? std::string()
                 : fmt::format("expected {}{}, found '{}'", kind, range, excerpt(text));
}

template <typename T>
std::string range_text(T min, T max, T unlimited) {
  return max >= unlimited ? fmt::format(" of {} or more", min)
                          : fmt::format(" from {} to {}", min, max);
}

}  // namespace

std::string number_fault(const std::string& text, double min, double max) {
  // What a type holds is no limit that anybody means: it would be a number of 39 digits.
  constexpr double kUnlimited = std::numeric_limits<float>::max();
  const std::string range =
      min <= -kUnlimited && max >= kUnlimited ? "" : range_text(min, max, kUnlimited);
  const std::optional<double> value = read_number<double>(text);
  if (max >= kUnlimited && value && *value > max) {
    return fmt::format("expected a number up to {:.2g}, found '{}'", max, excerpt(text));
  }
  // The largest finite one: infinity is no number that an option could mean.
  return fault(text, "a number", range, min, std::min(max, std::numeric_limits<double>::max()));
}

std::string whole_number_fault(const std::string& text, std::int64_t min, std::int64_t max) {
  constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();
  return fault(text, "a whole number", range_text(min, max, kUnlimited), min, max);
}

}  // namespace internal
}  // namespace retinaface
