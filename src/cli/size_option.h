#pragma once

#include <string>

namespace retinaface::cli {

struct ImageSize {
  int width = 0;
  int height = 0;
};

/// "WIDTHxHEIGHT", each 1 to 65536. Throws UsageError with the option's name.
ImageSize parse_size(const std::string& option, const std::string& text);

}  // namespace retinaface::cli
