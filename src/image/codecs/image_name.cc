#include "image/codecs/image_name.h"

#include <algorithm>

namespace retinaface {
inline namespace internal {

std::string lower_case_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return extension;
}

// The one table of known names, for searches, for reading data sets and for telling videos from
// images.

std::span<const std::string_view> image_extensions() {
  static constexpr std::string_view kExtensions[] = {
      ".jpg",  ".jpeg", ".jpe",  ".jif", ".jfif",  ".jfi",   ".mpo",  ".png",   ".apng",
      ".webp", ".tif",  ".tiff", ".bmp", ".dib",   ".gif",   ".pnm",  ".pbm",   ".pgm",
      ".ppm",  ".heic", ".heif", ".hif", ".heics", ".heifs", ".avif", ".avifs", ".jxl",
      ".jp2",  ".jpx",  ".jpf",  ".j2k", ".j2c",   ".jpc"};
  return kExtensions;
}

std::span<const std::string_view> video_extensions() {
  static constexpr std::string_view kExtensions[] = {
      ".mp4", ".m4v", ".mov",  ".qt",   ".mkv", ".webm", ".avi", ".divx",  ".mpg",  ".mpeg",
      ".mpe", ".m2v", ".ts",   ".mts",  ".m2t", ".m2ts", ".vob", ".wmv",   ".asf",  ".flv",
      ".f4v", ".ogv", ".3gp",  ".3g2",  ".mxf", ".y4m",  ".dv",  ".mjpeg", ".mjpg", ".h264",
      ".264", ".avc", ".hevc", ".h265", ".265", ".ivf",  ".nut"};
  return kExtensions;
}

std::span<const std::string_view> raw_extensions() {
  static constexpr std::string_view kExtensions[] = {
      ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf",
      ".fff", ".iiq", ".kdc", ".mef", ".mos", ".nef", ".nrw", ".orf",
      ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srf", ".srw", ".x3f"};
  return kExtensions;
}

bool has_image_name(const std::filesystem::path& path) {
  const auto extensions = image_extensions();
  return std::ranges::find(extensions, lower_case_extension(path)) != extensions.end();
}

}  // namespace internal
}  // namespace retinaface
