#include "cli/values.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "cli/command.h"

namespace retinaface::cli {
namespace {

/// `bound` says which values are meant: "from 0 to 1", "of 1 or more".
template <typename T>
CLI::Validator in_range(const char* kind, const std::string& bound, T min, T max) {
  return {[expected = fmt::format("expected {} {}", kind, bound), min, max](std::string& text) {
            T value{};
            const char* const end = text.data() + text.size();
            const auto result = std::from_chars(text.data(), end, value);
            // Written so that NaN is refused.
            const bool is_good =
                result.ec == std::errc() && result.ptr == end && value >= min && value <= max;
            return is_good ? std::string() : fmt::format("{}, found '{}'", expected, excerpt(text));
          },
          ""};
}

template <typename T>
std::string bound(T min, T max, T unlimited) {
  return max == unlimited ? fmt::format("of {} or more", min)
                          : fmt::format("from {} to {}", min, max);
}

}  // namespace

CLI::Validator number(double min, double max) {
  constexpr double kUnlimited = std::numeric_limits<double>::infinity();
  // The largest finite one: infinity is no number that an option could mean.
  return in_range("a number", bound(min, max, kUnlimited), min,
                  std::min(max, std::numeric_limits<double>::max()));
}

CLI::Validator whole_number(std::int64_t min, std::int64_t max) {
  constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();
  return in_range("a whole number", bound(min, max, kUnlimited), min, max);
}

CLI::Validator one_of(std::vector<std::string> values) {
  return {[values = std::move(values)](std::string& text) {
            return std::ranges::find(values, text) != values.end()
                       ? std::string()
                       : fmt::format("expected {}, found '{}'", fmt::join(values, ", "),
                                     excerpt(text));
          },
          ""};
}

ImageSize parse_size(std::string_view option, std::string_view text) {
  ImageSize size;
  const std::size_t cross = std::min(text.find('x'), text.size());
  const auto number = [](std::string_view digits, std::int64_t& value) {
    const char* const end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, value);
    return result.ec == std::errc() && result.ptr == end && value >= 1 && value <= 65536;
  };
  if (cross == text.size() || !number(text.substr(0, cross), size.width) ||
      !number(text.substr(cross + 1), size.height)) {
    throw UsageError(
        fmt::format("{}: expected WIDTHxHEIGHT like 640x480, found '{}'", option, excerpt(text)));
  }
  return size;
}

}  // namespace retinaface::cli
