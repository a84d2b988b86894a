#include "video/video_kind.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "image/codecs/codec.h"
#include "image/codecs/heif_brand.h"
#include "image/codecs/image_name.h"

namespace retinaface::video {
namespace {

using codecs::has_text;
using namespace std::string_view_literals;

/// ISO/IEC 14496-12 and QuickTime: a first box of one of these types, "ftyp" of a brand that is not
/// an image's.
bool is_iso_video(std::span<const std::byte> bytes) {
  if (has_text(bytes, 4, "ftyp")) {
    return codecs::heif_brand(bytes) == codecs::HeifBrand::kNone;
  }
  return has_text(bytes, 4, "moov") || has_text(bytes, 4, "mdat") || has_text(bytes, 4, "wide");
}

/// A row of frames without a container: H.264 (a set of parameters or a delimiter first) or HEVC.
bool is_elementary_stream(std::span<const std::byte> bytes) {
  constexpr std::array kStarts = {"\x67"sv, "\x27"sv, "\x09"sv, "\x40\x01"sv, "\x46\x01"sv};
  constexpr std::string_view kCode = "\0\0\0\x01"sv;
  return has_text(bytes, 0, kCode) && std::ranges::any_of(kStarts, [&](std::string_view start) {
           return has_text(bytes, kCode.size(), start);
         });
}

bool is_transport_stream(std::span<const std::byte> bytes) {
  return has_text(bytes, 0, "G") && has_text(bytes, 188, "G") && has_text(bytes, 376, "G");
}

}  // namespace

bool has_video_name(const std::filesystem::path& path) {
  const auto extensions = video_extensions();
  return std::ranges::find(extensions, lower_case_extension(path)) != extensions.end();
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
      "DKIF"sv,              // IVF
      "nut/multimedia container"sv,
  };
  return std::ranges::any_of(kMarks,
                             [&](std::string_view mark) { return has_text(beginning, 0, mark); }) ||
         (has_text(beginning, 0, "RIFF") && has_text(beginning, 8, "AVI ")) ||
         is_iso_video(beginning) || is_transport_stream(beginning) ||
         is_elementary_stream(beginning);
}

bool is_motion_jpeg(const std::filesystem::path& path, std::span<const std::byte> beginning) {
  const std::string extension = lower_case_extension(path);
  return (extension == ".mjpeg" || extension == ".mjpg") && has_text(beginning, 0, "\xFF\xD8\xFF");
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
