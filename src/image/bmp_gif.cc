// BMP and GIF (its first frame) by stb_image, which is part of this file alone and reads nothing
// else here.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "image/codec.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#include <stb/stb_image.h>

namespace retinaface::codecs {
namespace {

bool is_bmp(Bytes bytes) {
  constexpr std::size_t kHeaderSizeAt = 14;
  constexpr int kLargestHeader = 124;
  return has_text(bytes, 0, "BM") && bytes.size() > kHeaderSizeAt + 1 &&
         std::to_integer<int>(bytes[kHeaderSizeAt]) <= kLargestHeader &&
         bytes[kHeaderSizeAt + 1] == std::byte{0};
}

bool is_gif(Bytes bytes) {
  return has_text(bytes, 0, "GIF87a") || has_text(bytes, 0, "GIF89a");
}

/// stb_image takes zeros for what a file lacks; it asks for more data only when it needs it, so
/// asking at the end gives a truncated file away.
struct Source {
  Bytes rest;
  bool ended_early = false;

  static int read(void* user, char* to, int size) {
    auto& source = *static_cast<Source*>(user);
    const std::size_t count = std::min(source.rest.size(), static_cast<std::size_t>(size));
    source.ended_early = source.ended_early || count == 0;
    if (count > 0) std::memcpy(to, source.rest.data(), count);
    source.rest = source.rest.subspan(count);
    return static_cast<int>(count);
  }
  static void skip(void* user, int size) {
    auto& source = *static_cast<Source*>(user);
    const auto count = static_cast<std::size_t>(std::max(size, 0));
    source.rest = source.rest.subspan(std::min(source.rest.size(), count));
  }
  static int ended(void* user) { return static_cast<Source*>(user)->rest.empty() ? 1 : 0; }
};

constexpr stbi_io_callbacks kCallbacks = {&Source::read, &Source::skip, &Source::ended};

Decoded decode_by_stb(const Encoded& encoded, std::string_view format) {
  int width = 0;
  int height = 0;
  int channels = 0;
  Source header{encoded.bytes};
  if (!stbi_info_from_callbacks(&kCallbacks, &header, &width, &height, &channels)) {
    encoded.fail_as_corrupt(format, stbi_failure_reason());
  }
  Decoded decoded;
  // A negative height is BMP's way of saying that the first row comes first.
  decoded.image = encoded.canvas(width, std::abs(std::int64_t{height}));
  Source source{encoded.bytes};
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> rgb(
      stbi_load_from_callbacks(&kCallbacks, &source, &width, &height, &channels, STBI_rgb),
      &stbi_image_free);
  if (source.ended_early) encoded.fail_as_corrupt(format, "it ends early");
  if (!rgb) {
    const std::string_view reason = stbi_failure_reason();
    if (reason.find("RLE") != std::string_view::npos) encoded.fail_as_unsupported(format, reason);
    encoded.fail_as_corrupt(format, reason);
  }
  if (width != decoded.image.width() || height != decoded.image.height()) {
    encoded.fail_as_corrupt(format, "its size changes on the way");
  }
  const auto bytes = static_cast<std::size_t>(decoded.image.stride()) *
                     static_cast<std::size_t>(decoded.image.height());
  std::memcpy(decoded.image.row(0), rgb.get(), bytes);
  return decoded;
}

Decoded decode_bmp(const Encoded& encoded) {
  return decode_by_stb(encoded, "BMP");
}
Decoded decode_gif(const Encoded& encoded) {
  return decode_by_stb(encoded, "GIF");
}

}  // namespace

const Decoder kBmpDecoder = {"BMP", is_bmp, decode_bmp};
const Decoder kGifDecoder = {"GIF", is_gif, decode_gif};

}  // namespace retinaface::codecs
