// BMP and GIF by stb_image, which is part of this file alone and reads nothing
// else here.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "image/codecs/bmp_rle.h"
#include "image/codecs/codec.h"

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

[[noreturn]] void fail_decoding(const Encoded& encoded, std::string_view format) {
  encoded.fail_as_corrupt(format, stbi_failure_reason());
}

/// Decodes `bytes`; messages name `encoded`.
Decoded decode_by_stb(const Encoded& encoded, std::string_view format, Bytes bytes,
                      bool has_alpha) {
  int width = 0;
  int height = 0;
  int channels = 0;
  Source header{bytes};
  if (!stbi_info_from_callbacks(&kCallbacks, &header, &width, &height, &channels)) {
    fail_decoding(encoded, format);
  }
  Decoded decoded;
  // A negative height is BMP's way of saying that the first row comes first.
  decoded.image = encoded.canvas(width, std::abs(std::int64_t{height}));
  Source source{bytes};
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_callbacks(&kCallbacks, &source, &width, &height, &channels,
                               has_alpha ? STBI_rgb_alpha : STBI_rgb),
      &stbi_image_free);
  if (source.ended_early) encoded.fail_as_corrupt(format, "it ends early");
  if (!pixels) fail_decoding(encoded, format);
  if (width != decoded.image.width() || height != decoded.image.height()) {
    encoded.fail_as_corrupt(format, "its size changes on the way");
  }
  const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  if (has_alpha) {
    decoded.take_rgba({pixels.get(), 4 * count});
  } else {
    std::memcpy(decoded.image.row(0), pixels.get(), 3 * count);
  }
  return decoded;
}

Decoded decode_bmp(const Encoded& encoded) {
  const BmpHeader header(encoded.bytes);
  constexpr std::array<std::size_t, 5> kKnownSizes = {12, 40, 56, 108, 124};
  if (std::ranges::find(kKnownSizes, header.size) == kKnownSizes.end()) {
    encoded.fail_as_unsupported("BMP", fmt::format("a header of {} bytes", header.size));
  }
  if (header.compression > BmpHeader::kBitFields) {
    encoded.fail_as_unsupported("BMP", fmt::format("compression {}", header.compression));
  }
  if (header.is_run_length_encoded()) {
    return decode_by_stb(encoded, "BMP", without_rle(encoded, header), false);
  }
  return decode_by_stb(encoded, "BMP", encoded.bytes, header.has_alpha());
}

Decoded decode_gif(const Encoded& encoded) {
  return decode_by_stb(encoded, "GIF", encoded.bytes, true);
}

/// The frames that the blocks of a GIF lead to (GIF89a, section 17 on).
FrameCount count_gif(const Encoded& encoded) {
  const Bytes bytes = encoded.bytes;
  const auto at = [&](std::size_t i) {
    return i < bytes.size() ? std::to_integer<std::size_t>(bytes[i]) : 0;
  };
  const auto table_bytes = [](std::size_t flags) {
    return (flags & 0x80) != 0 ? std::size_t{3} << ((flags & 7) + 1) : 0;
  };
  constexpr std::size_t kHeader = 13;
  constexpr std::size_t kDescriptor = 10;
  std::size_t place = kHeader + table_bytes(at(10));
  std::int64_t frames = 0;
  while (place < bytes.size()) {
    if (at(place) == 0x2C) {
      ++frames;
      place += kDescriptor + table_bytes(at(place + kDescriptor - 1)) + 1;
    } else if (at(place) == 0x21) {
      place += 2;
    } else {
      break;
    }
    while (at(place) != 0) place += at(place) + 1;
    ++place;
  }
  return {.frames = std::max<std::int64_t>(frames, 1)};
}

/// Frame by frame, by the functions behind stbi_load_gif_from_memory, which would hold all at once.
class GifReader : public FrameReader {
 public:
  explicit GifReader(const Encoded& encoded) : encoded_(encoded), source_{encoded.bytes} {
    int width = 0;
    int height = 0;
    int channels = 0;
    Source header{encoded.bytes};
    if (!stbi_info_from_callbacks(&kCallbacks, &header, &width, &height, &channels)) {
      fail_decoding(encoded, "GIF");
    }
    encoded.check_size(width, height);
    stbi__start_callbacks(&context_, &callbacks_, &source_);
  }
  ~GifReader() override {
    STBI_FREE(gif_.out);
    STBI_FREE(gif_.history);
    STBI_FREE(gif_.background);
  }
  GifReader(const GifReader&) = delete;
  GifReader& operator=(const GifReader&) = delete;

  std::optional<DecodedFrame> next() override {
    if (is_done_) return std::nullopt;
    int channels = 0;
    stbi_uc* const before = two_before_.empty() ? nullptr : two_before_.data();
    const stbi_uc* const rgba =
        stbi__gif_load_next(&context_, &gif_, &channels, STBI_rgb_alpha, before);
    if (source_.ended_early) encoded_.fail_as_corrupt("GIF", "it ends early");
    if (rgba == nullptr) fail_decoding(encoded_, "GIF");
    is_done_ = rgba == reinterpret_cast<const stbi_uc*>(&context_);  // how it tells the end
    if (is_done_) return std::nullopt;
    DecodedFrame frame;
    frame.decoded.image = encoded_.canvas(gif_.w, gif_.h);
    const std::size_t bytes =
        4 * static_cast<std::size_t>(gif_.w) * static_cast<std::size_t>(gif_.h);
    frame.decoded.take_rgba({rgba, bytes});
    two_before_ = std::exchange(one_before_, {rgba, rgba + bytes});
    // Programs show a delay of up to 10 ms, which nobody means, as 100 ms.
    frame.duration_s = gif_.delay <= 10 ? 0.1 : gif_.delay / 1000.0;
    return frame;
  }

 private:
  const Encoded& encoded_;
  Source source_;
  stbi_io_callbacks callbacks_ = kCallbacks;
  stbi__context context_{};
  stbi__gif gif_{};
  std::vector<stbi_uc> one_before_, two_before_;
  bool is_done_ = false;
};

std::unique_ptr<FrameReader> open_gif(const Encoded& encoded) {
  return std::make_unique<GifReader>(encoded);
}

}  // namespace

const Decoder kBmpDecoder = {"BMP", is_bmp, decode_bmp};
const Decoder kGifDecoder = {"GIF", is_gif, decode_gif, count_gif, open_gif};

}  // namespace retinaface::codecs
