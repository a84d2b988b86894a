#include "cli/values.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "base/number_text.h"
#include "cli/command.h"

namespace retinaface::cli {

CLI::Validator number(double min, double max) {
  return {[=](std::string& text) { return number_fault(text, min, max); }, ""};
}

CLI::Validator whole_number(std::int64_t min, std::int64_t max) {
  return {[=](std::string& text) { return whole_number_fault(text, min, max); }, ""};
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
  const auto number = [](std::string_view digits, int& value) {
    value = read_number<int>(digits).value_or(0);
    return value >= 1 && value <= 65536;
  };
  if (cross == text.size() || !number(text.substr(0, cross), size.width) ||
      !number(text.substr(cross + 1), size.height)) {
    throw UsageError(
        fmt::format("{}: expected WIDTHxHEIGHT like 640x480, found '{}'", option, excerpt(text)));
  }
  return size;
}

}  // namespace retinaface::cli
