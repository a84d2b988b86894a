#include "video/video_kind.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace retinaface::video {
namespace {

using namespace std::string_view_literals;

bool has_mark(std::span<const std::byte> bytes, std::size_t offset, std::string_view mark) {
  return bytes.size() >= offset + mark.size() &&
         std::ranges::equal(mark, bytes.subspan(offset, mark.size()),
                            [](char a, std::byte b) { return std::byte(a) == b; });
}

/// ISO/IEC 14496-12 and QuickTime: a first box of one of these types, "ftyp" of a brand that is not
/// an image's.
bool is_iso_video(std::span<const std::byte> bytes) {
  constexpr std::array kImageBrands = {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv,
                                       "hevx"sv, "mif1"sv, "msf1"sv, "avif"sv, "avis"sv};
  if (has_mark(bytes, 4, "ftyp")) {
    return std::ranges::none_of(kImageBrands,
                                [&](std::string_view brand) { return has_mark(bytes, 8, brand); });
  }
  return has_mark(bytes, 4, "moov") || has_mark(bytes, 4, "mdat") || has_mark(bytes, 4, "wide");
}

bool is_transport_stream(std::span<const std::byte> bytes) {
  return has_mark(bytes, 0, "G") && has_mark(bytes, 188, "G") && has_mark(bytes, 376, "G");
}

}  // namespace

bool has_video_name(const std::filesystem::path& path) {
  constexpr std::array kExtensions = {".mp4"sv,  ".m4v"sv,  ".mov"sv, ".qt"sv,   ".mkv"sv,
                                      ".webm"sv, ".avi"sv,  ".mpg"sv, ".mpeg"sv, ".ts"sv,
                                      ".mts"sv,  ".m2ts"sv, ".vob"sv, ".wmv"sv,  ".asf"sv,
                                      ".flv"sv,  ".ogv"sv,  ".3gp"sv, ".mxf"sv,  ".y4m"sv};
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

bool is_video(std::span<const std::byte> beginning) {
  constexpr std::array kMarks = {
      "\x1A\x45\xDF\xA3"sv,  // Matroska, WebM
      "FLV\x01"sv,
      "OggS"sv,
      "\x30\x26\xB2\x75\x8E\x66\xCF\x11"sv,  // ASF, WMV
      "\0\0\x01\xBA"sv,
      "\0\0\x01\xB3"sv,  // MPEG program and video streams
      "YUV4MPEG2 "sv,
      "\x06\x0E\x2B\x34"sv,  // MXF
  };
  return std::ranges::any_of(kMarks,
                             [&](std::string_view mark) { return has_mark(beginning, 0, mark); }) ||
         (has_mark(beginning, 0, "RIFF") && has_mark(beginning, 8, "AVI ")) ||
         is_iso_video(beginning) || is_transport_stream(beginning);
}

bool is_stream(const std::string& name) {
  const std::size_t end = name.find("://");
  return end != std::string::npos && end > 0 &&
         std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(end),
                     [](unsigned char c) { return std::isalnum(c) != 0; });
}

bool is_camera(const std::filesystem::path& path) {
  constexpr unsigned kVideo4Linux = 81;  // the kernel's number of such devices
  if (path.string().starts_with("/dev/video")) return true;
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode) &&
         major(status.st_rdev) == kVideo4Linux;
}

}  // namespace retinaface::video
