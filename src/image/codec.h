#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retinaface/image.h"

namespace retinaface::codecs {

using Bytes = std::span<const std::byte>;

/// True when `bytes` has `text` at `offset`.
bool has_text(Bytes bytes, std::size_t offset, std::string_view text);

/// What a library gives as its reason, without what would break the line of a message.
std::string one_line(std::string_view reason);

/// An encoded image on its way through a decoder.
struct Encoded {
  Bytes bytes;
  std::string name;  ///< what messages call it
  std::int64_t max_pixels = 0;

  /// Refuses a size beyond the limit, and one without pixels.
  void check_size(std::int64_t width, std::int64_t height) const;
  /// The image to decode into, black, its size checked. A decoder asks for it as soon as it knows
  /// the size, before it does anything else that costs memory.
  Image canvas(std::int64_t width, std::int64_t height) const;
  /// Throws kBadData: "NAME: truncated or corrupt FORMAT: REASON".
  [[noreturn]] void fail_as_corrupt(std::string_view format, std::string_view reason) const;
  /// Throws kUnsupported: "NAME: unsupported FORMAT: REASON".
  [[noreturn]] void fail_as_unsupported(std::string_view format, std::string_view reason) const;
};

struct Decoded {
  Image image;          ///< the pixels as stored
  int orientation = 1;  ///< as EXIF counts them, see orientation.h
};

/// Reads one image format.
struct Decoder {
  std::string_view format;
  /// Tells the format by the first bytes.
  bool (*recognises)(Bytes bytes);
  /// Throws Error as read_image does.
  Decoded (*decode)(const Encoded& encoded);
};

extern const Decoder kJpegDecoder;
extern const Decoder kPngDecoder;
extern const Decoder kWebpDecoder;
extern const Decoder kTiffDecoder;
extern const Decoder kBmpDecoder;
extern const Decoder kGifDecoder;
extern const Decoder kPnmDecoder;
extern const Decoder kHeicDecoder;
extern const Decoder kAvifDecoder;

/// The encoded file of an image with at least one pixel; `name` is for messages. A side beyond
/// what the format can hold throws Error(kUnsupported).
using Encode = std::vector<std::byte>(const Image& image, const std::string& name);
Encode encode_jpeg;
Encode encode_png;
Encode encode_webp;

}  // namespace retinaface::codecs
