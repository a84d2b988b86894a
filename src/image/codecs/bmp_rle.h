#pragma once

#include <cstddef>
#include <vector>

#include "image/codecs/codec.h"

namespace retinaface::codecs {

/// What a BMP's header says that matters here; BITMAPINFOHEADER's fields, 0 where a shorter header
/// has none.
struct BmpHeader {
  enum Compression : std::uint32_t { kNone = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3 };

  std::size_t size = 0;  ///< of the header after the file's own 14 bytes
  std::size_t pixels_at = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;  ///< negative: the first row comes first
  int bits = 0;
  std::uint32_t compression = kNone;
  std::uint32_t alpha_mask = 0;

  /// The encoded image must start as a BMP does; fields beyond its end are 0.
  explicit BmpHeader(Bytes bytes);

  bool is_run_length_encoded() const { return compression == kRle8 || compression == kRle4; }
  /// Whether the fourth byte of a pixel is its opacity; else it means nothing.
  bool has_alpha() const { return compression == kBitFields && bits == 32 && alpha_mask != 0; }
};

/// The same BMP with its run-length encoded pixels (4 or 8 bits) written out. Pixels that it leaves
/// out are of the palette's first color. Throws Error as a decoder does.
std::vector<std::byte> without_rle(const Encoded& encoded, const BmpHeader& header);

}  // namespace retinaface::codecs
