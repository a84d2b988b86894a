#pragma once

#include <span>
#include <string>
#include <string_view>

namespace retinaface::pipeline {

/// How a front door writes the options that messages name: --draw-style shaded on the command line,
/// of {"--", " "}; draw-style=shaded in a query, of {"", "="}; draw-style shaded by itself.
struct OptionSpelling {
  std::string_view prefix = {};
  std::string_view before_value = " ";
  /// The options that it has; where a message lists several to choose from, it names these.
  /// Empty: all.
  std::span<const std::string_view> taken = {};

  std::string operator()(std::string_view option, std::string_view value = {}) const;
};

}  // namespace retinaface::pipeline
