// PNG (ISO/IEC 15948) and its animations (PNG, third edition, section 11.3.6) by libspng, which
// knows single images alone: of each frame a PNG is made.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <spng.h>

#include "base/check.h"
#include "image/codecs/codec.h"
#include "image/codecs/orientation.h"

namespace retinaface::codecs {
namespace {

using Context = std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)>;

Context make_context(int flags) {
  Context context(spng_ctx_new(flags), &spng_ctx_free);
  if (!context) throw std::bad_alloc();
  return context;
}

bool is_png(Bytes bytes) {
  return has_text(bytes, 0, "\x89PNG\r\n\x1A\n");
}

/// A chunk's chromaticities and the exponent, as far as the file gives them, or the numbers of
/// H.273 (chunk cICP, which libspng does not know: PNG, third edition).
CodedColor coded_color_of(spng_ctx* context) {
  CodedColor color;
  std::uint32_t count = 0;
  spng_get_unknown_chunks(context, nullptr, &count);
  std::vector<spng_unknown_chunk> chunks(count);
  if (count > 0 && spng_get_unknown_chunks(context, chunks.data(), &count) == SPNG_OK) {
    for (const spng_unknown_chunk& chunk : chunks) {
      if (std::string_view(reinterpret_cast<const char*>(chunk.type), 4) != "cICP") continue;
      if (chunk.length != 4) continue;
      const auto* numbers = static_cast<const std::uint8_t*>(chunk.data);
      return {.primaries = numbers[0], .transfer = numbers[1]};
    }
  }
  std::uint8_t intent = 0;
  if (spng_get_srgb(context, &intent) == SPNG_OK) return color;
  std::uint32_t gamma = 0;
  constexpr double kUnit = 100000;
  if (spng_get_gama_int(context, &gamma) == SPNG_OK && gamma >= 10000 && gamma <= 200000) {
    color.exponent = static_cast<float>(kUnit / gamma);
  }
  spng_chrm at{};
  if (spng_get_chrm(context, &at) == SPNG_OK) {
    const std::array values = {at.red_x,  at.red_y,  at.green_x,       at.green_y,
                               at.blue_x, at.blue_y, at.white_point_x, at.white_point_y};
    std::ranges::transform(values, color.chromaticities.begin(),
                           [](double value) { return static_cast<float>(value); });
  }
  return color;
}

bool has_alpha(spng_ctx* context, const spng_ihdr& header) {
  spng_trns transparent{};
  return header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
         header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ||
         spng_get_trns(context, &transparent) == SPNG_OK;
}

Decoded decode_png(const Encoded& encoded) {
  const Context context = make_context(0);
  const auto require = [&](int status) {
    if (status != SPNG_OK) encoded.fail_as_corrupt("PNG", spng_strerror(status));
  };
  require(spng_set_png_buffer(context.get(), encoded.bytes.data(), encoded.bytes.size()));
  // Color profiles and texts are unpacked on the way, and must not be bombs either.
  constexpr std::size_t kMaxChunkBytes = std::size_t{64} << 20;
  require(spng_set_chunk_limits(context.get(), kMaxChunkBytes, kMaxChunkBytes));
  require(spng_set_option(context.get(), SPNG_KEEP_UNKNOWN_CHUNKS, 1));
  spng_ihdr header{};
  require(spng_get_ihdr(context.get(), &header));

  Decoded decoded;
  decoded.image = encoded.canvas(header.width, header.height);
  const std::size_t pixels = std::size_t{header.width} * header.height;
  spng_iccp profile{};
  if (spng_get_iccp(context.get(), &profile) == SPNG_OK) {
    const auto bytes = std::as_bytes(std::span(profile.profile, profile.profile_len));
    decoded.icc_profile.assign(bytes.begin(), bytes.end());
  }
  decoded.coded_color = coded_color_of(context.get());
  if (decoded.coded_color.is_hdr()) {
    std::vector<std::uint16_t> rgba(4 * pixels);
    require(spng_decode_image(context.get(), rgba.data(), 2 * rgba.size(), SPNG_FMT_RGBA16,
                              SPNG_DECODE_TRNS));
    decoded.take_coded_rgba(rgba);
  } else if (has_alpha(context.get(), header)) {
    std::vector<std::uint8_t> rgba(4 * pixels);
    require(spng_decode_image(context.get(), rgba.data(), rgba.size(), SPNG_FMT_RGBA8,
                              SPNG_DECODE_TRNS));
    decoded.take_rgba(rgba);
  } else {
    require(spng_decode_image(context.get(), decoded.image.row(0), 3 * pixels, SPNG_FMT_RGB8, 0));
  }
  require(spng_decode_chunks(context.get()));  // to the end: it may be cut, EXIF may stand there
  spng_exif exif{};
  if (spng_get_exif(context.get(), &exif) == SPNG_OK) {
    decoded.take_exif(std::as_bytes(std::span(exif.data, exif.length)));
  }
  return decoded;
}

constexpr std::size_t kSignature = 8;

std::uint32_t number_at(Bytes bytes, std::size_t offset, std::size_t size = 4) {
  std::uint32_t value = 0;
  for (std::size_t i = offset; i < offset + size; ++i) {
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  }
  return value;
}

struct Chunk {
  std::string_view type;
  Bytes whole;  ///< with length, type and checksum
  Bytes content;
};

/// Walks over the chunks, as far as they are whole.
class Chunks {
 public:
  explicit Chunks(Bytes file) : rest_(file.subspan(kSignature)) {}

  std::optional<Chunk> next() {
    constexpr std::size_t kAround = 12;
    if (rest_.size() < kAround) return std::nullopt;
    const std::size_t length = number_at(rest_, 0);
    if (length > rest_.size() - kAround) return std::nullopt;
    const Chunk chunk = {{reinterpret_cast<const char*>(rest_.data()) + 4, 4},
                         rest_.first(length + kAround),
                         rest_.subspan(8, length)};
    rest_ = rest_.subspan(length + kAround);
    return chunk;
  }

 private:
  Bytes rest_;
};

FrameCount count_png(const Encoded& encoded) {
  Chunks chunks(encoded.bytes);
  while (const auto chunk = chunks.next()) {
    if (chunk->type == "acTL" && chunk->content.size() == 8) {
      return {.frames = std::max<std::int64_t>(1, number_at(chunk->content, 0))};
    }
    if (chunk->type == "IDAT") break;
  }
  return {};
}

/// The frames of an animation, each laid over what the ones before it left.
class PngReader : public FrameReader {
 public:
  explicit PngReader(const Encoded& encoded) : encoded_(encoded), chunks_(encoded.bytes) {
    is_animated_ = count_png(encoded).frames > 1;
    // Of the whole image: its size, and what its colors mean.
    still_ = decode_png(encoded);
    canvas_.resize(4 * pixels(still_.image));
  }

  std::optional<DecodedFrame> next() override {
    if (!is_animated_) {
      if (std::exchange(is_done_, true)) return std::nullopt;
      return DecodedFrame{std::move(still_)};
    }
    while (const auto chunk = next_chunk()) {
      if (chunk->type == "fcTL") {
        // The frame before it has all its data.
        std::optional<DecodedFrame> frame = finished_frame();
        begin_frame(chunk->content);
        if (frame) return frame;
      } else if (chunk->type == "IHDR" || chunk->type == "PLTE" || chunk->type == "tRNS") {
        header_.push_back(*chunk);
      } else if (chunk->type == "IDAT" && control_) {
        data_.push_back(chunk->content);
      } else if (chunk->type == "fdAT" && control_ && chunk->content.size() > 4) {
        data_.push_back(chunk->content.subspan(4));
      } else if (chunk->type == "IEND") {
        is_done_ = true;
        return finished_frame();
      }
    }
    if (!is_done_) encoded_.fail_as_corrupt("PNG", "it ends early");
    return std::nullopt;
  }

 private:
  struct Control {
    std::uint32_t width, height, x, y;
    double duration_s;
    unsigned disposal;  ///< 0: stays, 1: is cleared, 2: gives way to what was before
    unsigned blending;  ///< 0: replaces what was before, 1: is laid over it
  };

  static std::size_t pixels(const Image& image) {
    return static_cast<std::size_t>(image.width()) * static_cast<std::size_t>(image.height());
  }
  std::optional<Chunk> next_chunk() { return is_done_ ? std::nullopt : chunks_.next(); }

  void begin_frame(Bytes content) {
    if (content.size() != 26) encoded_.fail_as_corrupt("PNG", "a frame's header is malformed");
    const std::uint32_t over = number_at(content, 20, 2);
    const std::uint32_t under = number_at(content, 22, 2);
    control_ = {number_at(content, 4),
                number_at(content, 8),
                number_at(content, 12),
                number_at(content, 16),
                over / (under == 0 ? 100.0 : under),
                number_at(content, 24, 1),
                number_at(content, 25, 1)};
    const auto width = static_cast<std::uint32_t>(still_.image.width());
    const auto height = static_cast<std::uint32_t>(still_.image.height());
    if (control_->width == 0 || control_->height == 0 || control_->width > width ||
        control_->height > height || control_->x > width - control_->width ||
        control_->y > height - control_->height) {
      encoded_.fail_as_corrupt("PNG", "a frame lies outside the image");
    }
  }

  /// Lays the frame whose data are complete over the canvas.
  std::optional<DecodedFrame> finished_frame() {
    if (!control_) return std::nullopt;
    const Control control = *std::exchange(control_, std::nullopt);
    const std::vector<std::uint8_t> rgba = decode(control);
    data_.clear();
    const std::vector<std::uint8_t> before = control.disposal == 2 ? canvas_ : decltype(canvas_){};
    each_pixel(control, [&](std::size_t at, std::size_t i) { blend(control, &rgba[i], at); });
    DecodedFrame frame;
    frame.decoded.image = encoded_.canvas(still_.image.width(), still_.image.height());
    frame.decoded.take_rgba(canvas_);
    frame.decoded.icc_profile = still_.icc_profile;
    frame.decoded.coded_color = still_.coded_color;
    frame.decoded.orientation = still_.orientation;
    frame.duration_s = control.duration_s;
    each_pixel(control, [&](std::size_t at, std::size_t) {
      if (control.disposal == 1) std::fill_n(&canvas_[at], 4, std::uint8_t{0});
    });
    if (control.disposal == 2) canvas_ = before;
    return frame;
  }

  /// Calls `action` with where each of the frame's pixels is on the canvas and in the frame.
  template <typename Action>
  void each_pixel(const Control& control, Action action) const {
    const auto width = static_cast<std::size_t>(still_.image.width());
    std::size_t i = 0;
    for (std::size_t y = control.y; y < control.y + control.height; ++y) {
      for (std::size_t x = control.x; x < control.x + control.width; ++x, i += 4) {
        action(4 * (y * width + x), i);
      }
    }
  }

  void blend(const Control& control, const std::uint8_t* over, std::size_t at) {
    std::uint8_t* const under = &canvas_[at];
    const int alpha = over[3];
    if (control.blending == 0 || alpha == 255) {
      std::copy_n(over, 4, under);
      return;
    }
    // Straight colors, PNG, third edition, section 13.16.
    const int below = under[3] * (255 - alpha);
    const int total = 255 * alpha + below;
    if (total == 0) return;
    for (int c = 0; c < 3; ++c) {
      under[c] =
          static_cast<std::uint8_t>((255 * alpha * over[c] + below * under[c] + total / 2) / total);
    }
    under[3] = static_cast<std::uint8_t>((total + 127) / 255);
  }

  /// The frame's own pixels, from a PNG that is made of its data. Checksums were those of the
  /// animation's chunks, and are left aside.
  std::vector<std::uint8_t> decode(const Control& control) const {
    std::vector<std::byte> png(encoded_.bytes.begin(), encoded_.bytes.begin() + kSignature);
    const auto put = [&](std::string_view type, std::size_t size) {
      for (int shift = 24; shift >= 0; shift -= 8) png.push_back(std::byte(size >> shift & 255));
      for (const char c : type) png.push_back(std::byte(c));
    };
    const auto put_bytes = [&](Bytes bytes) { png.insert(png.end(), bytes.begin(), bytes.end()); };
    for (const Chunk& chunk : header_) {
      put_bytes(chunk.whole);
      if (chunk.type != "IHDR") continue;
      auto* const size = png.data() + png.size() - chunk.whole.size() + 8;
      for (int i = 0; i < 4; ++i) {
        size[i] = std::byte(control.width >> (24 - 8 * i) & 255);
        size[4 + i] = std::byte(control.height >> (24 - 8 * i) & 255);
      }
    }
    for (const Bytes data : data_) {
      put("IDAT", data.size());
      put_bytes(data);
      png.resize(png.size() + 4);
    }
    put("IEND", 0);
    png.resize(png.size() + 4);
    const Context context = make_context(0);
    const auto require = [&](int status) {
      if (status != SPNG_OK) encoded_.fail_as_corrupt("PNG", spng_strerror(status));
    };
    require(spng_set_crc_action(context.get(), SPNG_CRC_USE, SPNG_CRC_USE));
    require(spng_set_png_buffer(context.get(), png.data(), png.size()));
    std::vector<std::uint8_t> rgba(std::size_t{4} * control.width * control.height);
    require(spng_decode_image(context.get(), rgba.data(), rgba.size(), SPNG_FMT_RGBA8,
                              SPNG_DECODE_TRNS));
    return rgba;
  }

  const Encoded& encoded_;
  Chunks chunks_;
  bool is_animated_ = false;
  bool is_done_ = false;
  Decoded still_;
  std::vector<Chunk> header_;
  std::optional<Control> control_;  // of the frame whose data are being gathered
  std::vector<Bytes> data_;
  std::vector<std::uint8_t> canvas_;  // RGBA
};

std::unique_ptr<FrameReader> open_png(const Encoded& encoded) {
  return std::make_unique<PngReader>(encoded);
}

}  // namespace

const Decoder kPngDecoder = {"PNG", is_png, decode_png, count_png, open_png};

std::vector<std::byte> encode_png(const Image& image, const std::string& name) {
  const Context context = make_context(SPNG_CTX_ENCODER);
  const auto require = [&](int status) {
    if (status == SPNG_EMEM) throw std::bad_alloc();
    if (status != SPNG_OK) {
      fail(ErrorCode::kUnsupported, "{}: cannot be written as PNG: {}", name,
           spng_strerror(status));
    }
  };
  require(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  // Twice as fast as the default level for files a few per cent larger.
  require(spng_set_option(context.get(), SPNG_IMG_COMPRESSION_LEVEL, 3));
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width());
  header.height = static_cast<std::uint32_t>(image.height());
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  require(spng_set_ihdr(context.get(), &header));
  const auto bytes = static_cast<std::size_t>(image.stride()) * header.height;
  require(
      spng_encode_image(context.get(), image.row(0), bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
  std::size_t size = 0;
  int status = SPNG_OK;
  const std::unique_ptr<void, decltype(&std::free)> data(
      spng_get_png_buffer(context.get(), &size, &status), &std::free);
  require(status);
  const auto* first = static_cast<const std::byte*>(data.get());
  return {first, first + size};
}

}  // namespace retinaface::codecs
