#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace retinaface::cli {

// What an option's value may be. Each says of another one what was expected and what was found.

/// From `min` to `max`; never NaN.
CLI::Validator number(double min, double max = std::numeric_limits<double>::infinity());

CLI::Validator whole_number(std::int64_t min,
                            std::int64_t max = std::numeric_limits<std::int64_t>::max());

CLI::Validator one_of(std::vector<std::string> values);

/// The size of an image, as "WIDTHxHEIGHT" says it, each from 1 to 65536 pixels.
struct ImageSize {
  int width = 0;
  int height = 0;

  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

/// Throws UsageError, which names the option, for another text.
ImageSize parse_size(std::string_view option, std::string_view text);

}  // namespace retinaface::cli
