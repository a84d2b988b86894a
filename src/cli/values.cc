#include "cli/values.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "base/number_text.h"

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

}  // namespace retinaface::cli
