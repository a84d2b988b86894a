#include "image/image_name.h"

#include <algorithm>

namespace retinaface {

std::string lower_case_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return extension;
}

std::span<const std::string_view> image_extensions() {
  static constexpr std::string_view kExtensions[] = {
      ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif",  ".tiff",
      ".bmp", ".gif",  ".pnm", ".pbm",  ".pgm", ".ppm",  ".heic", ".avif"};
  return kExtensions;
}

bool has_image_name(const std::filesystem::path& path) {
  const auto extensions = image_extensions();
  return std::ranges::find(extensions, lower_case_extension(path)) != extensions.end();
}

}  // namespace retinaface
