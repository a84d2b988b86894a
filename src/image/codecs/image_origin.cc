#include "image/codecs/image_origin.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/check.h"
#include "base/content_hash.h"
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

std::string checksum_of(Bytes content) {
  ContentHasher hasher;
  hasher.add(content);
  return digits_of(hasher.hash());
}

/// What a mark says: kOriginMark and, of what is behind it, a checksum.
std::string mark_of(Bytes content) {
  return std::string(kOriginMark) + std::string(kMarkChecksum) + checksum_of(content);
}

/// The checksum of a mark that begins there; empty where it has none.
std::string_view checksum_at(Bytes bytes, std::size_t mark) {
  const std::size_t place = mark + kOriginMark.size();
  if (!has_at(bytes, place, kMarkChecksum)) return {};
  if (bytes.size() < place + kMarkChecksum.size() + kHashDigits) return {};
  return text_of(bytes.subspan(place + kMarkChecksum.size(), kHashDigits));
}

/// ITU T.81, B.2.4.5: marker, length, text.
std::string jpeg_comment(const std::string& text) {
  return "\xFF\xFE" + big_endian(text.size() + 2, 2) + text;
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

constexpr std::string_view kPngKeyword{"Software\0", 9};

std::string png_text(const std::string& text) {
  return png_chunk("tEXt" + std::string(kPngKeyword) + text);
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

constexpr std::string_view kBeforeMark =
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
    "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" "
    "xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmp:CreatorTool=\"";
constexpr std::string_view kBehindMark = "\"/></rdf:RDF></x:xmpmeta>";

std::string webp_xmp(const std::string& text) {
  return riff_chunk("XMP ", std::string(kBeforeMark) + text + std::string(kBehindMark));
}

/// Where the mark begins in bytes that end with webp_xmp's chunk; their size where they do not.
std::size_t mark_in_webp(Bytes end) {
  for (const std::size_t text :
       {kOriginMark.size(), kOriginMark.size() + kMarkChecksum.size() + kHashDigits}) {
    const std::size_t content = kBeforeMark.size() + text + kBehindMark.size();
    const std::size_t chunk = 8 + content + content % 2;
    if (end.size() < chunk) continue;
    const std::size_t begin = end.size() - chunk;
    const std::size_t mark = begin + 8 + kBeforeMark.size();
    if (has_at(end, begin, "XMP " + little_endian(content, 4) + std::string(kBeforeMark)) &&
        has_at(end, mark, kOriginMark) && has_at(end, mark + text, kBehindMark)) {
      return mark;
    }
  }
  return end.size();
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

constexpr std::size_t kWebpHeader = 12;

/// Only the extended format holds metadata: a chunk VP8X with the canvas's size goes first.
void mark_webp(std::vector<std::byte>& bytes, const std::string& exif) {
  constexpr std::size_t kSize = 26;  // of the frame, 14 bits each, in its header
  constexpr int kHasXmp = 4;
  constexpr int kHasExif = 8;
  const std::size_t width = number_at(bytes, kSize, 2, false) & 0x3FFF;
  const std::size_t height = number_at(bytes, kSize + 2, 2, false) & 0x3FFF;
  const std::string mark = mark_of(Bytes(bytes).subspan(kWebpHeader));
  std::string extended = little_endian(kHasXmp | (exif.empty() ? 0 : kHasExif), 4);
  extended += little_endian(width - 1, 3) + little_endian(height - 1, 3);
  if (!exif.empty()) {
    insert(bytes, bytes.size(), riff_chunk("EXIF", exif.substr(kExifMarkBytes)));
  }
  insert(bytes, bytes.size(), webp_xmp(mark));
  insert(bytes, kWebpHeader, riff_chunk("VP8X", extended));
  const std::string size = little_endian(bytes.size() - 8, 4);
  std::ranges::copy(std::as_bytes(std::span(size)), bytes.begin() + 4);
}

/// The chunk of a lossy image in a file that mark_webp made; empty where there is none.
Bytes content_of_webp(Bytes bytes) {
  constexpr std::size_t kExtended = 8 + 10;  // the chunk VP8X
  const std::size_t place = kWebpHeader + kExtended;
  if (!has_at(bytes, place, "VP8 ") || bytes.size() < place + 8) return {};
  const std::size_t size = number_at(bytes, place + 4, 4, false);
  const Bytes content = bytes.subspan(place);
  return content.first(std::min(content.size(), 8 + size + size % 2));
}

/// Where the mark begins in a JPEG or PNG that with_origin_mark made; 0 where there is none.
std::size_t mark_in(Bytes beginning) {
  if (is_jpeg(beginning)) {
    const std::size_t place = place_in_jpeg(beginning);
    const std::size_t mark = place + 4;
    return has_at(beginning, place, "\xFF\xFE") && has_at(beginning, mark, kOriginMark) ? mark : 0;
  }
  if (!is_png(beginning)) return 0;
  const std::size_t mark = kPlaceInPng + 8 + kPngKeyword.size();
  return has_at(beginning, kPlaceInPng + 4, "tEXt" + std::string(kPngKeyword)) &&
                 has_at(beginning, mark, kOriginMark)
             ? mark
             : 0;
}

/// What is behind the mark and the notes in a JPEG or PNG.
Bytes content_behind(Bytes bytes, std::size_t mark) {
  std::size_t place = mark + kOriginMark.size() + kMarkChecksum.size() + kHashDigits;
  if (is_jpeg(bytes)) {
    if (has_at(bytes, place, "\xFF\xE1") && bytes.size() >= place + 4) {
      place += 2 + number_at(bytes, place + 2, 2, true);
    }
  } else {
    place += 4;  // of the text's chunk
    if (has_at(bytes, place + 4, "eXIf")) place += 12 + number_at(bytes, place, 4, true);
  }
  return bytes.subspan(std::min(place, bytes.size()));
}

}  // namespace

std::vector<std::byte> with_origin_mark(std::vector<std::byte> encoded, const CaptureNotes& notes) {
  const std::string exif = exif_text(notes);
  if (is_jpeg(encoded)) {
    const std::size_t place = place_in_jpeg(encoded);
    const std::string mark = mark_of(Bytes(encoded).subspan(place));
    insert(encoded, place, jpeg_comment(mark) + jpeg_exif(exif));
  } else if (is_png(encoded)) {
    const std::string chunk = exif.empty() ? "" : png_chunk("eXIf" + exif.substr(kExifMarkBytes));
    insert(encoded, kPlaceInPng, png_text(mark_of(Bytes(encoded).subspan(kPlaceInPng))) + chunk);
  } else if (is_lossy_webp(encoded)) {
    mark_webp(encoded, exif);
  }
  return encoded;
}

bool has_origin_mark(Bytes beginning, Bytes end) {
  return mark_in(beginning) > 0 || (has_at(beginning, 0, "RIFF") && mark_in_webp(end) < end.size());
}

bool is_as_marked(Bytes encoded) {
  if (!has_origin_mark(encoded, encoded)) return false;
  const std::size_t mark = mark_in(encoded);
  const std::string_view checksum = checksum_at(encoded, mark > 0 ? mark : mark_in_webp(encoded));
  return checksum ==
         checksum_of(mark > 0 ? content_behind(encoded, mark) : content_of_webp(encoded));
}

}  // namespace internal
}  // namespace retinaface
