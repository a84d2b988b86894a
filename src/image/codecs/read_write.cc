// Image files: which codec reads or writes one, and what is said when none does.

#include <algorithm>
#include <array>
#include <new>

#include "retinaface/image.h"

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "base/wanted_file.h"
#include "image/codecs/codec.h"
#include "image/codecs/decoded_image.h"
#include "image/codecs/encoded_size.h"
#include "image/codecs/icc_profile.h"
#include "image/codecs/image_name.h"
#include "image/codecs/image_origin.h"
#include "image/codecs/orientation.h"
#include "image/codecs/write_options.h"
#include "image/composite.h"
#include "image/convert.h"

namespace retinaface {
namespace codecs {
namespace {

const std::array kDecoders = {&kJpegDecoder, &kPngDecoder, &kWebpDecoder,    &kTiffDecoder,
                              &kBmpDecoder,  &kGifDecoder, &kPnmDecoder,     &kHeicDecoder,
                              &kAvifDecoder, &kJxlDecoder, &kJpeg2000Decoder};

/// One that takes no options leaves them aside.
using EncodeWithOptions = std::vector<std::byte>(const Image& image, const std::string& name,
                                                 const WriteOptions& options);

struct Encoder {
  std::string_view extension;
  EncodeWithOptions* encode;
};

std::vector<std::byte> as_jpeg(const Image& image, const std::string& name,
                               const WriteOptions& options) {
  return encode_jpeg(image, name, options.jpeg_quality);
}
std::vector<std::byte> as_png(const Image& image, const std::string& name, const WriteOptions&) {
  return encode_png(image, name);
}
std::vector<std::byte> as_webp(const Image& image, const std::string& name, const WriteOptions&) {
  return encode_webp(image, name);
}

constexpr std::array kEncoders = {Encoder{".jpg", as_jpeg}, Encoder{".jpeg", as_jpeg},
                                  Encoder{".png", as_png}, Encoder{".webp", as_webp}};

std::string known_formats() {
  std::string list;
  for (const Decoder* decoder : kDecoders) {
    if (!list.empty()) list += decoder == kDecoders.back() ? " or " : ", ";
    list += decoder->format;
  }
  return list;
}

/// The first bytes, for people: quoted where they are text.
std::string beginning_of(Bytes bytes) {
  bytes = bytes.first(std::min<std::size_t>(bytes.size(), 12));
  const auto is_text = [](std::byte byte) {
    return byte >= std::byte{0x20} && byte < std::byte{0x7F};
  };
  if (std::all_of(bytes.begin(), bytes.end(), is_text)) {
    return fmt::format("\"{}\"", text_of(bytes));
  }
  std::string text;
  for (const std::byte byte : bytes)
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<int>(byte));
  return "bytes " + text;
}

/// The encoder for the extension of `path`, null if there is none.
const Encoder* find_encoder(const std::filesystem::path& path) {
  const std::string extension = lower_case_extension(path);
  const auto* const found =
      std::find_if(std::begin(codecs::kEncoders), std::end(codecs::kEncoders),
                   [&](const codecs::Encoder& encoder) { return encoder.extension == extension; });
  return found == std::end(codecs::kEncoders) ? nullptr : found;
}

}  // namespace

bool has_text(Bytes bytes, std::size_t offset, std::string_view text) {
  return bytes.size() >= offset && bytes.size() - offset >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::byte b) { return std::byte(a) == b; });
}

std::string one_line(std::string_view reason) {
  while (!reason.empty() &&
         std::string_view("\r\n .").find(reason.back()) != std::string_view::npos) {
    reason.remove_suffix(1);
  }
  return printable(std::filesystem::path(reason));
}

void Encoded::check_size(std::int64_t width, std::int64_t height) const {
  if (width <= 0 || height <= 0) {
    fail(ErrorCode::kBadData, "{}: expected an image, found one of {}x{} pixels", name, width,
         height);
  }
  if (width > kMaxImageSide || height > kMaxImageSide || width > options.max_pixels / height) {
    fail(ErrorCode::kTooLarge, "{}: {}x{} pixels, more than the {} that are decoded at most", name,
         width, height, options.max_pixels);
  }
}

Image Encoded::canvas(std::int64_t width, std::int64_t height) const {
  check_size(width, height);
  try {
    return {static_cast<int>(width), static_cast<int>(height)};
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::kTooLarge, "{}: {}x{} pixels, more than the memory holds", name, width, height);
  }
}

void Encoded::fail_as_corrupt(std::string_view format, std::string_view reason) const {
  fail(ErrorCode::kBadData, "{}: truncated or corrupt {}: {}", name, format, one_line(reason));
}

void Encoded::fail_as_unsupported(std::string_view format, std::string_view reason) const {
  fail(ErrorCode::kUnsupported, "{}: unsupported {}: {}", name, format, one_line(reason));
}

void Encoded::warn(std::string_view what) const {
  if (options.warn) options.warn(fmt::format("{}: {}", name, what));
}

void Decoded::take_exif(Bytes exif) {
  if (exif.empty()) return;
  orientation = exif_orientation(exif);
  notes = capture_notes(exif);
}

void Decoded::take_rgba(std::span<const std::uint8_t> rgba) {
  const std::size_t pixels =
      static_cast<std::size_t>(image.width()) * static_cast<std::size_t>(image.height());
  RF_CHECK(rgba.size() == 4 * pixels);
  alpha.resize(pixels);
  const std::uint8_t* from = rgba.data();
  std::uint8_t* to = image.row(0);
  for (std::size_t i = 0; i < pixels; ++i, from += 4, to += 3) {
    std::copy_n(from, 3, to);
    alpha[i] = from[3];
  }
}

void Decoded::take_coded_rgba(std::span<const std::uint16_t> rgba) {
  const auto width = static_cast<std::size_t>(image.width());
  RF_CHECK(rgba.size() == 4 * width * static_cast<std::size_t>(image.height()));
  const auto to_srgb = SrgbConversion::of(coded_color);
  std::vector<std::uint16_t> row(3 * width);
  alpha.resize(rgba.size() / 4);
  const std::uint16_t* from = rgba.data();
  std::uint8_t* opacity = alpha.data();
  for (int y = 0; y < image.height(); ++y) {
    for (std::size_t x = 0; x < width; ++x, from += 4) {
      std::copy_n(from, 3, row.data() + 3 * x);
      *opacity++ = static_cast<std::uint8_t>(from[3] >> 8);
    }
    to_srgb->convert(row, {image.row(y), row.size()});
  }
  coded_color = {};
  icc_profile.clear();
}

const Decoder& decoder_of(const Encoded& encoded) {
  if (encoded.bytes.empty()) {
    fail(ErrorCode::kBadData, "{}: expected an image, found nothing: it is empty", encoded.name);
  }
  for (const Decoder* decoder : kDecoders) {
    if (decoder->recognises(encoded.bytes)) return *decoder;
  }
  fail(ErrorCode::kUnsupported, "{}: expected {}, found a file that starts with {}", encoded.name,
       known_formats(), beginning_of(encoded.bytes));
}

Image shown(const Encoded& encoded, Decoded decoded) {
  if (!decoded.icc_profile.empty()) {
    apply_icc_profile(encoded, decoded.icc_profile, decoded.image);
  } else if (!decoded.coded_color.is_srgb()) {
    SrgbConversion::of(decoded.coded_color)->convert(decoded.image);
  }
  composite(decoded.image, decoded.alpha, encoded.options.background);
  return encoded.options.apply_orientation ? upright(std::move(decoded.image), decoded.orientation)
                                           : std::move(decoded.image);
}

}  // namespace codecs

DecodedImage internal::decode_image(std::span<const std::byte> encoded, const ReadOptions& options,
                                    const std::string& name, int reduction) {
  const codecs::Encoded file = {encoded, name, options, reduction};
  codecs::Decoded decoded = codecs::decoder_of(file).decode(file);
  const Turn turn = turn_of(options.apply_orientation ? decoded.orientation : 1);
  DecodedImage result;
  result.notes = std::move(decoded.notes);
  result.reduction = decoded.reduction;
  result.width = decoded.whole_width;
  result.height = decoded.whole_height;
  if (turn.exchanges_sides) std::swap(result.width, result.height);
  result.image = codecs::shown(file, std::move(decoded));
  if (result.reduction == 1) {
    result.width = result.image.width();
    result.height = result.image.height();
  }
  // As stored it begins where the whole image does.
  if (turn.mirrors_x) result.left = result.width - result.reduction * result.image.width();
  if (turn.mirrors_y) result.top = result.height - result.reduction * result.image.height();
  return result;
}

Image decode_image(ArrayView<std::byte> encoded, const ReadOptions& options,
                   const std::string& name) {
  return decode_image(encoded, options, name, 1).image;
}

bool internal::may_be_image(std::span<const std::byte> beginning) {
  return std::ranges::any_of(codecs::kDecoders, [&](const codecs::Decoder* decoder) {
    return decoder->recognises(beginning);
  });
}

bool internal::is_image(std::span<const std::byte> beginning) {
  return may_be_image(beginning) && !codecs::kPnmDecoder.recognises(beginning);
}

std::vector<std::byte> internal::read_image_file(const std::filesystem::path& path,
                                                 std::int64_t max_pixels) {
  return read_wanted_file(path, max_encoded_bytes(max_pixels), may_be_image);
}

std::uint64_t internal::max_encoded_bytes(std::int64_t max_pixels) {
  constexpr std::int64_t kMetadataBytes = std::int64_t{64} << 20;
  constexpr std::int64_t kMaxFileBytes = std::int64_t{4} << 30;
  return static_cast<std::uint64_t>(std::min(
      kMaxFileBytes, kMetadataBytes + 8 * std::clamp<std::int64_t>(max_pixels, 0, kMaxFileBytes)));
}

Image read_image(const std::filesystem::path& path, const ReadOptions& options) {
  return decode_image(read_image_file(path, options.max_pixels), options, printable(path));
}

bool can_write_image(const std::filesystem::path& path) {
  return codecs::find_encoder(path) != nullptr;
}

std::vector<std::byte> internal::encode_image(const std::filesystem::path& path,
                                              const ImageView& image, const WriteOptions& options) {
  const std::string name = printable(path);
  check_view(image, name);
  const codecs::Encoder* const encoder = codecs::find_encoder(path);
  if (encoder == nullptr) {
    fail(ErrorCode::kUnsupported, "{}: expected a name that ends in .jpg, .png or .webp", name);
  }
  return with_origin_mark(encoder->encode(to_rgb(image), name, options), options.notes);
}

void internal::write_image(const std::filesystem::path& path, const ImageView& image,
                           const WriteOptions& options) {
  write_file_atomically(path, encode_image(path, image, options));
}

void write_image(const std::filesystem::path& path, const ImageView& image) {
  write_image(path, image, {});
}

}  // namespace retinaface
