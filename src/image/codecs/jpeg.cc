// JPEG (ITU-T T.81) by libjpeg-turbo.

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include <turbojpeg.h>

#include "base/check.h"
#include "image/codecs/codec.h"
#include "image/codecs/icc_profile.h"
#include "image/codecs/orientation.h"
#include "image/codecs/write_options.h"

namespace retinaface::codecs {
namespace {

constexpr int kMaxSide = 65535;

using Handle = std::unique_ptr<void, decltype(&tjDestroy)>;

const unsigned char* data_of(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

bool is_jpeg(Bytes bytes) {
  return has_text(bytes, 0, "\xFF\xD8\xFF");
}

struct Layout {
  Bytes exif;                     ///< the content of the EXIF segment, or nothing
  std::vector<Bytes> icc_parts;   ///< of the color profile, numbered, in the file's order
  bool has_adobe_marker = false;  ///< whose CMYK is inverted: amounts of light, not of ink
  bool has_scan = false;          ///< compressed bytes have begun
  bool complete = false;          ///< an end-of-image marker was found
};

constexpr std::string_view kIccMark("ICC_PROFILE\0", 12);

/// Walks over the markers. Between a scan's compressed bytes, 0xFF stands before 0 (a stuffed byte)
/// or a restart marker, neither of which has a length.
Layout layout_of(Bytes jpeg) {
  constexpr std::byte kMarker{0xFF};
  Layout layout;
  auto at = jpeg.begin() + 2;
  while (true) {
    at = std::find(at, jpeg.end(), kMarker);
    at = std::find_if(at, jpeg.end(), [](std::byte byte) { return byte != kMarker; });
    if (at == jpeg.end()) return layout;
    const int marker = std::to_integer<int>(*at++);
    if (marker == 0xD9) {
      layout.complete = true;
      return layout;
    }
    if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;
    const auto rest = Bytes(at, jpeg.end());
    if (rest.size() < 2) return layout;
    const auto length =
        std::to_integer<std::size_t>(rest[0]) << 8 | std::to_integer<std::size_t>(rest[1]);
    if (length < 2 || length > rest.size()) return layout;
    const Bytes content = rest.subspan(2, length - 2);
    if (marker == 0xE1 && layout.exif.empty() && has_text(content, 0, "Exif")) {
      layout.exif = content;
    }
    if (marker == 0xE2 && has_text(content, 0, kIccMark) && content.size() > kIccMark.size() + 2) {
      layout.icc_parts.push_back(content.subspan(kIccMark.size()));
    }
    if (marker == 0xEE && has_text(content, 0, "Adobe")) layout.has_adobe_marker = true;
    at += static_cast<std::ptrdiff_t>(length);
    if (marker == 0xDA && at != jpeg.end()) layout.has_scan = true;
  }
}

/// The profile of its parts, each of which starts with its number, from 1, and their count (ICC.1,
/// annex B.4).
std::vector<std::byte> icc_profile_of(const Layout& layout) {
  std::vector<Bytes> parts = layout.icc_parts;
  std::ranges::stable_sort(parts, {}, [](Bytes part) { return part[0]; });
  std::vector<std::byte> profile;
  for (const Bytes part : parts) profile.insert(profile.end(), part.begin() + 2, part.end());
  return profile;
}

/// libjpeg warns of what it can read around as well as of what cost pixels. These cost pixels.
bool tells_of_lost_pixels(std::string_view warning) {
  constexpr std::array kLosses = {"remature end", "bad Huffman code", "bad arithmetic code",
                                  "instead of RST"};
  return std::any_of(kLosses.begin(), kLosses.end(), [&](std::string_view loss) {
    return warning.find(loss) != std::string_view::npos;
  });
}

[[noreturn]] void fail_decoding(const Encoded& encoded, tjhandle handle) {
  const std::string_view reason = tjGetErrorStr2(handle);
  if (reason.find("nsupported") != std::string_view::npos) {
    encoded.fail_as_unsupported("JPEG", reason);
  }
  encoded.fail_as_corrupt("JPEG", reason);
}

/// Whether the warning says that compressed bytes are missing at the end.
bool tells_of_missing_end(std::string_view warning) {
  return warning.find("remature end") != std::string_view::npos;
}

void decompress(const Encoded& encoded, tjhandle handle, const Layout& layout, int format,
                std::uint8_t* pixels, const Image& image) {
  constexpr int kFlags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
  const int pitch = image.width() * tjPixelSize[format];
  if (tjDecompress2(handle, data_of(encoded.bytes), encoded.bytes.size(), pixels, image.width(),
                    pitch, image.height(), format, kFlags) == 0) {
    return;
  }
  const std::string_view reason = tjGetErrorStr2(handle);
  // Only the first warning is reported; a harmless one may hide that the file ends early.
  const bool has_end_missing = tells_of_missing_end(reason) || !layout.complete;
  if (tjGetErrorCode(handle) != TJERR_WARNING || !layout.has_scan ||
      (tells_of_lost_pixels(reason) && !tells_of_missing_end(reason))) {
    fail_decoding(encoded, handle);
  }
  if (!has_end_missing) return;
  if (encoded.options.strict) encoded.fail_as_corrupt("JPEG", "it ends early");
  encoded.warn("truncated JPEG: it ends early, the rest of it is gray");
}

/// A side of the image that is decoded by the lowest frequencies alone.
int reduced(int side, int reduction) {
  const tjscalingfactor factor = {1, reduction};
  return TJSCALED(side, factor);
}

Decoded decode_jpeg(const Encoded& encoded) {
  const Handle handle(tjInitDecompress(), &tjDestroy);
  if (!handle) throw std::bad_alloc();
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colorspace = 0;
  // Unusual subsamplings are reported as errors here, and decode well.
  tjDecompressHeader3(handle.get(), data_of(encoded.bytes), encoded.bytes.size(), &width, &height,
                      &subsampling, &colorspace);
  if (width <= 0 || height <= 0) fail_decoding(encoded, handle.get());
  const Layout layout = layout_of(encoded.bytes);
  Decoded decoded;
  if (encoded.reduction > 1) {
    encoded.check_size(width, height);
    decoded.reduction = encoded.reduction;
    decoded.whole_width = width;
    decoded.whole_height = height;
    width = reduced(width, encoded.reduction);
    height = reduced(height, encoded.reduction);
  }
  decoded.image = encoded.canvas(width, height);
  Image& image = decoded.image;
  if (colorspace == TJCS_CMYK || colorspace == TJCS_YCCK) {
    std::vector<std::uint8_t> cmyk(std::size_t{4} * static_cast<std::size_t>(width) *
                                   static_cast<std::size_t>(height));
    decompress(encoded, handle.get(), layout, TJPF_CMYK, cmyk.data(), image);
    if (layout.has_adobe_marker) {
      for (std::uint8_t& value : cmyk) value = static_cast<std::uint8_t>(255 - value);
    }
    cmyk_to_rgb(encoded, icc_profile_of(layout), cmyk, image);
  } else {
    decompress(encoded, handle.get(), layout, TJPF_RGB, image.row(0), image);
    decoded.icc_profile = icc_profile_of(layout);
  }
  if (!layout.exif.empty()) {
    decoded.take_exif(layout.exif);
    if (exif_says_adobe_rgb(layout.exif)) decoded.coded_color = kAdobeRgb;
  }
  return decoded;
}

}  // namespace

const Decoder kJpegDecoder = {"JPEG", is_jpeg, decode_jpeg};

std::vector<std::byte> encode_jpeg(const Image& image, const std::string& name) {
  return encode_jpeg(image, name, WriteOptions::kDefaultJpegQuality);
}

std::vector<std::byte> encode_jpeg(const Image& image, const std::string& name, int quality) {
  if (image.width() > kMaxSide || image.height() > kMaxSide) {
    fail(ErrorCode::kUnsupported, "{}: {}x{} pixels, JPEG holds {} a side at most", name,
         image.width(), image.height(), kMaxSide);
  }
  const Handle handle(tjInitCompress(), &tjDestroy);
  if (!handle) throw std::bad_alloc();
  unsigned char* data = nullptr;
  unsigned long size = 0;
  // Color at full resolution: thin colored lines would smear.
  const int status =
      tjCompress2(handle.get(), image.row(0), image.width(), static_cast<int>(image.stride()),
                  image.height(), TJPF_RGB, &data, &size, TJSAMP_444, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, decltype(&tjFree)> owner(data, &tjFree);
  RF_CHECK(status == 0);
  const auto* first = reinterpret_cast<const std::byte*>(data);
  return {first, first + size};
}

}  // namespace retinaface::codecs
