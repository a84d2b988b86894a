#include "pipeline/option_spelling.h"

#include <fmt/format.h>

namespace retinaface::pipeline {

std::string OptionSpelling::operator()(std::string_view option, std::string_view value) const {
  return fmt::format("{}{}{}{}", prefix, option, value.empty() ? "" : before_value, value);
}

}  // namespace retinaface::pipeline
