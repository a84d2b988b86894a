#include "cli/size_option.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "cli/command.h"

namespace retinaface::cli {

ImageSize parse_size(const std::string& option, const std::string& text) {
  ImageSize size;
  const auto cross = text.find('x');
  const auto number = [&](std::size_t begin, std::size_t end, int& value) {
    const auto result = std::from_chars(text.data() + begin, text.data() + end, value);
    return result.ec == std::errc() && result.ptr == text.data() + end && value >= 1 &&
           value <= 65536;
  };
  if (cross == std::string::npos || !number(0, cross, size.width) ||
      !number(cross + 1, text.size(), size.height)) {
    throw UsageError(
        fmt::format("{}: expected WIDTHxHEIGHT like 640x480, found '{}'", option, text));
  }
  return size;
}

}  // namespace retinaface::cli
