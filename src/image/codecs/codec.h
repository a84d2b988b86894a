#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retinaface/image.h"

#include "image/codecs/capture_notes.h"
#include "image/coded_color.h"

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
  const ReadOptions& options;
  int reduction = 1;  ///< 1, 2, 4 or 8: see decoded_image.h

  /// Refuses a size beyond the limit, and one without pixels.
  void check_size(std::int64_t width, std::int64_t height) const;
  /// The image to decode into, black, its size checked. A decoder asks for it as soon as it knows
  /// the size, before it does anything else that costs memory.
  Image canvas(std::int64_t width, std::int64_t height) const;
  /// Throws kBadData: "NAME: truncated or corrupt FORMAT: REASON".
  [[noreturn]] void fail_as_corrupt(std::string_view format, std::string_view reason) const;
  /// Throws kUnsupported: "NAME: unsupported FORMAT: REASON".
  [[noreturn]] void fail_as_unsupported(std::string_view format, std::string_view reason) const;
  /// Tells of something that is read around: "NAME: WHAT".
  void warn(std::string_view what) const;
};

/// What a file holds, on its way to what is shown.
struct Decoded {
  Image image;                           ///< the pixels as stored
  int reduction = 1;                     ///< by which `image` was decoded
  int whole_width = 0;                   ///< of the image that was reduced
  int whole_height = 0;                  ///< the same
  std::vector<std::uint8_t> alpha{};     ///< of each pixel, row after row; empty: all are opaque
  std::vector<std::byte> icc_profile{};  ///< of the image's colors; empty: none
  CodedColor coded_color{};              ///< of them, where there is no profile
  int orientation = 1;                   ///< as EXIF counts them, see orientation.h
  CaptureNotes notes{};                  ///< what written copies are to have of its metadata

  /// Takes orientation and notes from a block of EXIF data; an empty one has none.
  void take_exif(Bytes exif);

  /// Takes over an image of RGBA pixels, row after row, of the image's size.
  void take_rgba(std::span<const std::uint8_t> rgba);
  /// The same of 16 bits, 65535 being the largest value; the colors become sRGB as coded_color
  /// says, which is sRGB from then on.
  void take_coded_rgba(std::span<const std::uint16_t> rgba);
};

/// How many images a file holds.
struct FrameCount {
  std::int64_t frames = 1;
  bool are_pages = false;  ///< they do not follow each other in time, and may differ in size
};

struct DecodedFrame {
  Decoded decoded;
  double duration_s = 0;  ///< until the next one is shown
};

/// Reads the frames or pages of a file, one after the other.
class FrameReader {
 public:
  FrameReader() = default;
  virtual ~FrameReader() = default;
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// Nothing after the last one. Throws Error as Decoder::decode does.
  virtual std::optional<DecodedFrame> next() = 0;
};

/// Reads one image format.
struct Decoder {
  std::string_view format;
  /// Tells the format by the first bytes.
  bool (*recognises)(Bytes bytes);
  /// The first image. Throws Error as read_image does.
  Decoded (*decode)(const Encoded& encoded);
  /// Null where files hold one image; `open` also where only the first of several can be read. How
  /// many there are is found without decoding them; what is damaged counts as far as it goes.
  FrameCount (*count)(const Encoded& encoded) = nullptr;
  /// `encoded` must outlive the reader.
  std::unique_ptr<FrameReader> (*open)(const Encoded& encoded) = nullptr;
};

/// The decoder that knows the format. Throws Error(kUnsupported) where there is none, kBadData for
/// an empty file.
const Decoder& decoder_of(const Encoded& encoded);

/// What a decoder gave, as it is shown: in sRGB, on the background, upright.
Image shown(const Encoded& encoded, Decoded decoded);

extern const Decoder kJpegDecoder;
extern const Decoder kPngDecoder;
extern const Decoder kWebpDecoder;
extern const Decoder kTiffDecoder;
extern const Decoder kBmpDecoder;
extern const Decoder kGifDecoder;
extern const Decoder kPnmDecoder;
extern const Decoder kHeicDecoder;
extern const Decoder kAvifDecoder;
extern const Decoder kJxlDecoder;
extern const Decoder kJpeg2000Decoder;

/// The encoded file of an image with at least one pixel; `name` is for messages. A side beyond
/// what the format can hold throws Error(kUnsupported).
using Encode = std::vector<std::byte>(const Image& image, const std::string& name);
Encode encode_jpeg;
Encode encode_png;
Encode encode_webp;

}  // namespace retinaface::codecs
