#include "image/codecs/image_origin.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/origin_mark.h"
#include "base/text.h"

namespace retinaface {
inline namespace internal {
namespace {

using Bytes = std::span<const std::byte>;

bool has_at(Bytes bytes, std::size_t offset, std::string_view text) {
  return bytes.size() >= offset + text.size() &&
         std::ranges::equal(bytes.subspan(offset, text.size()),
                            std::as_bytes(std::span(text.data(), text.size())));
}

std::string big_endian(std::size_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

std::string little_endian(std::size_t value, int bytes) {
  std::string text = big_endian(value, bytes);
  std::ranges::reverse(text);
  return text;
}

std::size_t number_at(Bytes bytes, std::size_t offset, int count, bool big) {
  std::size_t value = 0;
  for (int i = 0; i < count; ++i) {
    const int from = big ? i : count - 1 - i;
    value =
        value << 8 | std::to_integer<std::size_t>(bytes[offset + static_cast<std::size_t>(from)]);
  }
  return value;
}

/// PNG's checksum, of a chunk's name and content.
std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc % 2 == 1 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

/// ITU T.81, B.2.4.5: marker, length, text.
std::string jpeg_comment() {
  return "\xFF\xFE" + big_endian(kOriginMark.size() + 2, 2) + std::string(kOriginMark);
}

/// After the start of the image and, where it follows, JFIF's segment, which has to be first.
std::size_t place_in_jpeg(Bytes bytes) {
  constexpr std::size_t kStart = 2;
  if (!has_at(bytes, kStart, "\xFF\xE0") || bytes.size() < kStart + 4) return kStart;
  return kStart + 2 + number_at(bytes, kStart + 2, 2, true);
}

std::string png_chunk(const std::string& name_and_content) {
  return big_endian(name_and_content.size() - 4, 4) + name_and_content +
         big_endian(crc32(name_and_content), 4);
}

std::string png_text() {
  constexpr std::string_view kKeyword{"Software\0", 9};
  return png_chunk("tEXt" + std::string(kKeyword) + std::string(kOriginMark));
}

constexpr std::size_t kExifMarkBytes = 6;  // "Exif\0\0", which PNG and WebP leave out

/// A block with the notes; empty where there are none.
std::string exif_text(const CaptureNotes& notes) {
  if (notes.empty()) return {};
  const std::vector<std::byte> exif = exif_of(notes);
  return std::string(text_of(exif));
}

/// EXIF 2.32, 4.7.2: marker, length, block.
std::string jpeg_exif(const std::string& exif) {
  return exif.empty() ? "" : "\xFF\xE1" + big_endian(exif.size() + 2, 2) + exif;
}

/// After the signature and the header, whose size is fixed.
constexpr std::size_t kPlaceInPng = 8 + 25;

std::string riff_chunk(std::string_view name, const std::string& content) {
  return std::string(name) + little_endian(content.size(), 4) + content +
         std::string(content.size() % 2, '\0');
}

std::string webp_xmp() {
  return riff_chunk("XMP ",
                    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
                    "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description "
                    "rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" "
                    "xmp:CreatorTool=\"" +
                        std::string(kOriginMark) + "\"/></rdf:RDF></x:xmpmeta>");
}

bool is_jpeg(Bytes bytes) {
  return has_at(bytes, 0, "\xFF\xD8\xFF");
}

bool is_png(Bytes bytes) {
  return has_at(bytes, 0, "\x89PNG\r\n\x1A\n") && bytes.size() >= kPlaceInPng;
}

/// RIFF, size, WEBP, and a chunk of a lossy image with its frame's header.
bool is_lossy_webp(Bytes bytes) {
  return has_at(bytes, 0, "RIFF") && has_at(bytes, 8, "WEBPVP8 ") && bytes.size() >= 30;
}

void insert(std::vector<std::byte>& bytes, std::size_t place, const std::string& text) {
  RF_CHECK(place <= bytes.size());
  const auto added = std::as_bytes(std::span(text));
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(place), added.begin(), added.end());
}

/// Only the extended format holds metadata: a chunk VP8X with the canvas's size goes first.
void mark_webp(std::vector<std::byte>& bytes, const std::string& exif) {
  constexpr std::size_t kHeader = 12;
  constexpr std::size_t kSize = 26;  // of the frame, 14 bits each, in its header
  constexpr int kHasXmp = 4;
  constexpr int kHasExif = 8;
  const std::size_t width = number_at(bytes, kSize, 2, false) & 0x3FFF;
  const std::size_t height = number_at(bytes, kSize + 2, 2, false) & 0x3FFF;
  std::string extended = little_endian(kHasXmp | (exif.empty() ? 0 : kHasExif), 4);
  extended += little_endian(width - 1, 3) + little_endian(height - 1, 3);
  if (!exif.empty()) {
    insert(bytes, bytes.size(), riff_chunk("EXIF", exif.substr(kExifMarkBytes)));
  }
  insert(bytes, bytes.size(), webp_xmp());
  insert(bytes, kHeader, riff_chunk("VP8X", extended));
  const std::string size = little_endian(bytes.size() - 8, 4);
  std::ranges::copy(std::as_bytes(std::span(size)), bytes.begin() + 4);
}

}  // namespace

std::vector<std::byte> with_origin_mark(std::vector<std::byte> encoded, const CaptureNotes& notes) {
  const std::string exif = exif_text(notes);
  if (is_jpeg(encoded)) {
    insert(encoded, place_in_jpeg(encoded), jpeg_comment() + jpeg_exif(exif));
  } else if (is_png(encoded)) {
    const std::string chunk = exif.empty() ? "" : png_chunk("eXIf" + exif.substr(kExifMarkBytes));
    insert(encoded, kPlaceInPng, png_text() + chunk);
  } else if (is_lossy_webp(encoded)) {
    mark_webp(encoded, exif);
  }
  return encoded;
}

bool has_origin_mark(Bytes beginning, Bytes end) {
  if (is_jpeg(beginning)) return has_at(beginning, place_in_jpeg(beginning), jpeg_comment());
  if (is_png(beginning)) return has_at(beginning, kPlaceInPng, png_text());
  if (!has_at(beginning, 0, "RIFF")) return false;
  const std::string xmp = webp_xmp();
  return end.size() >= xmp.size() && has_at(end, end.size() - xmp.size(), xmp);
}

}  // namespace internal
}  // namespace retinaface
