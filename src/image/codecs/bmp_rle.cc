// Run-length encoding in BMP (Microsoft's "Bitmap Compression"), which stb_image does not read.

#include "image/codecs/bmp_rle.h"

#include <algorithm>
#include <cstdint>

namespace retinaface::codecs {
namespace {

constexpr std::size_t kFileHeader = 14;
constexpr std::size_t kCompressionAt = 30;

std::uint32_t number_at(Bytes bytes, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size && offset + i < bytes.size(); ++i) {
    value |= std::to_integer<std::uint32_t>(bytes[offset + i]) << 8 * i;
  }
  return value;
}

/// Rows of palette indices with 4 or 8 bits each, the bottom one first, as an uncompressed BMP has
/// them.
class Rows {
 public:
  Rows(std::int64_t width, std::int64_t height, int bits)
      : width_(width),
        height_(height),
        bits_(bits),
        stride_(static_cast<std::size_t>((width * bits + 31) / 32 * 4)),
        bytes_(stride_ * static_cast<std::size_t>(height)) {}

  /// Pixels over the end of a row are dropped, as other programs do.
  void put(unsigned index) {
    if (x_ < width_ && y_ < height_) {
      const std::size_t bit = static_cast<std::size_t>(x_) * static_cast<std::size_t>(bits_);
      const unsigned shift = bits_ == 8 || bit % 8 != 0 ? 0 : 4;
      bytes_[static_cast<std::size_t>(y_) * stride_ + bit / 8] |= std::byte(index << shift);
    }
    ++x_;
  }
  void end_row() { move(-x_, 1); }
  void move(std::int64_t right, std::int64_t up) {
    x_ += right;
    y_ += up;
  }
  bool are_done() const { return y_ >= height_ || (y_ == height_ - 1 && x_ >= width_); }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::int64_t width_;
  std::int64_t height_;
  int bits_;
  std::size_t stride_;
  std::vector<std::byte> bytes_;
  std::int64_t x_ = 0;
  std::int64_t y_ = 0;
};

/// The pixel number `i` of a run's byte, or of the bytes from `data` on.
unsigned index_of(Bytes data, std::size_t i, int bits) {
  if (bits == 8) return std::to_integer<unsigned>(data[i]);
  const auto pair = std::to_integer<unsigned>(data[i / 2]);
  return i % 2 == 0 ? pair >> 4 : pair & 15;
}

}  // namespace

BmpHeader::BmpHeader(Bytes bytes) {
  constexpr std::size_t kOldSize = 12;
  constexpr std::size_t kSizeWithAlpha = 56;
  constexpr std::size_t kAlphaMaskAt = 66;
  size = number_at(bytes, kFileHeader, 4);
  pixels_at = number_at(bytes, 10, 4);
  if (size <= kOldSize) return;
  width = static_cast<std::int32_t>(number_at(bytes, 18, 4));
  height = static_cast<std::int32_t>(number_at(bytes, 22, 4));
  bits = static_cast<int>(number_at(bytes, 28, 2));
  compression = number_at(bytes, kCompressionAt, 4);
  if (size >= kSizeWithAlpha) alpha_mask = number_at(bytes, kAlphaMaskAt, 4);
}

std::vector<std::byte> without_rle(const Encoded& encoded, const BmpHeader& header) {
  const int bits = header.compression == BmpHeader::kRle8 ? 8 : 4;
  if (header.bits != bits) encoded.fail_as_corrupt("BMP", "its depth and compression differ");
  encoded.check_size(header.width, header.height);
  if (header.pixels_at < kCompressionAt + 4) {
    encoded.fail_as_corrupt("BMP", "its pixels begin inside its header");
  }
  if (header.pixels_at > encoded.bytes.size()) encoded.fail_as_corrupt("BMP", "it ends early");
  Rows rows(header.width, header.height, bits);
  Bytes rest = encoded.bytes.subspan(header.pixels_at);
  const auto take = [&](std::size_t size) {
    if (rest.size() < size) encoded.fail_as_corrupt("BMP", "it ends early");
    const Bytes taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  };
  // Some programs leave out the mark at the end.
  while (!(rest.empty() && rows.are_done())) {
    const Bytes pair = take(2);
    const auto count = std::to_integer<std::size_t>(pair[0]);
    const auto code = std::to_integer<std::size_t>(pair[1]);
    if (count > 0) {
      const Bytes run = pair.subspan(1, 1);
      for (std::size_t i = 0; i < count; ++i) rows.put(index_of(run, bits == 8 ? 0 : i % 2, bits));
    } else if (code == 0) {
      rows.end_row();
    } else if (code == 1) {
      break;
    } else if (code == 2) {
      const Bytes by = take(2);
      rows.move(std::to_integer<std::int64_t>(by[0]), std::to_integer<std::int64_t>(by[1]));
    } else {
      const std::size_t bytes = bits == 8 ? code : (code + 1) / 2;
      const Bytes data = take(bytes);
      for (std::size_t i = 0; i < code; ++i) rows.put(index_of(data, i, bits));
      if (bytes % 2 != 0 && !rest.empty()) take(1);  // filled up to whole words
    }
  }
  const Bytes front = encoded.bytes.first(header.pixels_at);
  std::vector<std::byte> plain(front.begin(), front.end());
  std::fill_n(plain.begin() + kCompressionAt, 4, std::byte{0});
  plain.insert(plain.end(), rows.bytes().begin(), rows.bytes().end());
  return plain;
}

}  // namespace retinaface::codecs
