#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "retinaface/array_view.h"
#include "retinaface/export.h"

namespace retinaface {

/// How the bytes of one pixel are ordered in memory.
enum class PixelFormat { kRgb, kBgr, kRgba, kBgra, kGray };

/// Bytes of one pixel in `format`: 1, 3 or 4.
RETINAFACE_API int bytes_per_pixel(PixelFormat format);

/// No image is wider or higher, px; functions throw Error(kTooLarge) beyond.
inline constexpr int kMaxImageSide = (1 << 29) - 1;

/// An image somebody else owns: `height` rows of `width` pixels of 8 bits a channel. `data` is the
/// first pixel of the top row, `stride` the bytes from one row to the one below: at least width *
/// bytes per pixel, or, for images that are stored bottom row first, at most minus that.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;
  PixelFormat format = PixelFormat::kRgb;

  const std::uint8_t* row(int y) const { return data + y * stride; }
  bool empty() const { return width <= 0 || height <= 0; }
};

/// An image that owns its pixels: RGB, 8 bits a channel, rows without padding. Where a function
/// takes an ImageView, an Image may be given.
class RETINAFACE_API Image {
 public:
  Image() = default;
  /// A black image. Throws Error: kInvalidArgument when a side is negative, kTooLarge when one is
  /// over kMaxImageSide; std::bad_alloc when the memory does not hold it.
  Image(int width, int height);
  ~Image();
  Image(const Image& other);
  Image& operator=(const Image& other);
  /// The image that was moved from is empty.
  Image(Image&& other) noexcept;
  Image& operator=(Image&& other) noexcept;

  int width() const { return width_; }
  int height() const { return height_; }
  bool empty() const { return width_ == 0 || height_ == 0; }
  std::ptrdiff_t stride() const { return std::ptrdiff_t{3} * width_; }
  std::uint8_t* row(int y) { return pixels_ + y * stride(); }
  const std::uint8_t* row(int y) const { return pixels_ + y * stride(); }

  /// Valid as long as this image is neither changed in size nor gone. Not to be had of a temporary:
  /// the view would outlive the pixels.
  ImageView view() const& { return {pixels_, width_, height_, stride(), PixelFormat::kRgb}; }
  ImageView view() const&& = delete;
  operator ImageView() const& { return view(); }
  operator ImageView() const&& = delete;

 private:
  std::uint8_t* pixels_ = nullptr;  // null when empty
  int width_ = 0;
  int height_ = 0;
};

struct ReadOptions {
  /// Turn the image upright as its EXIF orientation says. Off for data sets whose annotations
  /// were made on the stored pixels (WIDER FACE). HEIC and AVIF, in which turning is part of the
  /// decoding, are always upright.
  bool apply_orientation = true;
  /// Refuse images of more pixels before decoding them (a decompression bomb costs nothing).
  std::int64_t max_pixels = 400'000'000;
  /// What shows through where the image is transparent: red, green, blue. An image of which nothing
  /// would be seen (white strokes on white) is laid on the opposite color.
  std::array<std::uint8_t, 3> background = {255, 255, 255};
  /// Refuse, as kBadData, a JPEG that lacks only its end, which is else gray from there on.
  bool strict = false;
  /// Is told, in one line that starts with the path, what was read around: such an end, a color
  /// profile that cannot be used. Called by the thread that reads.
  std::function<void(const std::string&)> warn = {};
};

/// Decodes an image file: JPEG, PNG, WebP, TIFF, BMP, GIF or PNM and, where their libraries are
/// installed, HEIC and AVIF (libheif), JPEG XL (libjxl) or JPEG 2000 (OpenJPEG), told apart by
/// content, not by name; of several frames or pages the first. Gray, palette, 16-bit and CMYK
/// become 8-bit RGB; transparency shows the background. Colors become sRGB: by their ICC profile
/// (where liblcms2 is installed) or by the coded description in HEIC, AVIF, JPEG XL and PNG, high
/// dynamic range (PQ, HLG) by tone mapping. Safe to call from several threads at once. Throws
/// Error, its message starting with the path: kNotFound, kUnreadable, kBadData (truncated or
/// corrupt), kUnsupported (no such format or variant), kTooLarge (over max_pixels, or a file too
/// large to hold so few).
RETINAFACE_API Image read_image(const std::filesystem::path& path, const ReadOptions& options = {});

/// The same for encoded bytes in memory; `name` stands in for the path in messages.
RETINAFACE_API Image decode_image(ArrayView<std::byte> encoded, const ReadOptions& options = {},
                                  const std::string& name = "image");

/// Writes an image; the format follows the extension: .jpg/.jpeg (quality 92), .png or .webp.
/// Alpha is dropped. The file is replaced as a whole or not at all.
/// Throws Error: kUnsupported for another extension or a side that the format cannot hold,
/// kInvalidArgument for an image that is empty or whose stride is shorter than a row, kUnwritable
/// when the file cannot be written.
RETINAFACE_API void write_image(const std::filesystem::path& path, const ImageView& image);
inline void write_image(const std::filesystem::path& path, const Image& image) {
  write_image(path, image.view());
}

/// Whether write_image knows the extension of `path`.
RETINAFACE_API bool can_write_image(const std::filesystem::path& path);

}  // namespace retinaface
