#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <limits>
#include <span>
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

/// Of a flag, which may be given with a value: true or false.
CLI::Validator flag_value();

/// The name of a file to write that ends in one of `extensions` (".json"). What ends in another
/// extension of the files that this program reads or writes is refused; other names say nothing of
/// what is in a file.
CLI::Validator name_ending_in(std::vector<std::string> extensions);

/// What name_ending_in says of a name; empty if it takes it.
std::string ending_fault(const std::string& name, std::span<const std::string> extensions);

/// The size of an image, as "WIDTHxHEIGHT" says it, each from 1 to 65536 pixels.
struct ImageSize {
  int width = 0;
  int height = 0;

  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

/// Throws UsageError, which names the option, for another text.
ImageSize parse_size(std::string_view option, std::string_view text);

}  // namespace retinaface::cli
