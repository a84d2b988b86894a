// Image files: which codec reads or writes one, and what is said when none does.

#include <algorithm>
#include <array>
#include <new>

#include "retinaface/image.h"

#include "base/check.h"
#include "base/file.h"
#include "image/codec.h"
#include "image/convert.h"
#include "image/encoded_size.h"
#include "image/image_name.h"
#include "image/image_origin.h"
#include "image/orientation.h"
#include "image/write_options.h"

namespace retinaface {
namespace codecs {
namespace {

const std::array kDecoders = {&kJpegDecoder, &kPngDecoder,  &kWebpDecoder,
                              &kTiffDecoder, &kBmpDecoder,  &kGifDecoder,
                              &kPnmDecoder,  &kHeicDecoder, &kAvifDecoder};

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
    return fmt::format("\"{}\"",
                       std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
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
  if (width > kMaxImageSide || height > kMaxImageSide || width > max_pixels / height) {
    fail(ErrorCode::kTooLarge, "{}: {}x{} pixels, more than the {} that are decoded at most", name,
         width, height, max_pixels);
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

}  // namespace codecs

Image decode_image(ArrayView<std::byte> encoded, const ReadOptions& options,
                   const std::string& name) {
  if (encoded.empty()) {
    fail(ErrorCode::kBadData, "{}: expected an image, found nothing: it is empty", name);
  }
  for (const codecs::Decoder* decoder : codecs::kDecoders) {
    if (!decoder->recognises(encoded)) continue;
    auto [image, orientation] = decoder->decode({encoded, name, options.max_pixels});
    return options.apply_orientation ? upright(std::move(image), orientation) : std::move(image);
  }
  fail(ErrorCode::kUnsupported, "{}: expected {}, found a file that starts with {}", name,
       codecs::known_formats(), codecs::beginning_of(encoded));
}

bool internal::is_image(std::span<const std::byte> beginning) {
  return std::ranges::any_of(codecs::kDecoders, [&](const codecs::Decoder* decoder) {
    return decoder != &codecs::kPnmDecoder && decoder->recognises(beginning);
  });
}

std::uint64_t internal::max_encoded_bytes(std::int64_t max_pixels) {
  constexpr std::int64_t kMetadataBytes = std::int64_t{64} << 20;
  constexpr std::int64_t kMaxFileBytes = std::int64_t{4} << 30;
  return static_cast<std::uint64_t>(std::min(
      kMaxFileBytes, kMetadataBytes + 8 * std::clamp<std::int64_t>(max_pixels, 0, kMaxFileBytes)));
}

Image read_image(const std::filesystem::path& path, const ReadOptions& options) {
  return decode_image(read_file(path, max_encoded_bytes(options.max_pixels)), options,
                      printable(path));
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
  return with_origin_mark(encoder->encode(to_rgb(image), name, options));
}

void internal::write_image(const std::filesystem::path& path, const ImageView& image,
                           const WriteOptions& options) {
  write_file_atomically(path, encode_image(path, image, options));
}

void write_image(const std::filesystem::path& path, const ImageView& image) {
  write_image(path, image, {});
}

}  // namespace retinaface
