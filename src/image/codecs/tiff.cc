// TIFF 6.0 by libtiff.

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include <tiffio.h>

#include "base/check.h"
#include "image/codecs/codec.h"
#include "image/codecs/icc_profile.h"

namespace retinaface::codecs {
namespace {

bool is_tiff(Bytes bytes) {
  using namespace std::string_view_literals;  // the marks contain zeros
  return has_text(bytes, 0, "II*\0"sv) || has_text(bytes, 0, "MM\0*"sv) ||
         has_text(bytes, 0, "II+\0"sv) || has_text(bytes, 0, "MM\0+"sv);
}

/// The file in memory, as libtiff reads it, and what it has to say.
struct Source {
  Bytes bytes;
  std::uint64_t position = 0;
  std::string first_error;

  static Source& of(void* handle) { return *static_cast<Source*>(handle); }

  static tmsize_t read(thandle_t handle, void* to, tmsize_t size) {
    Source& source = of(handle);
    const std::uint64_t start = std::min<std::uint64_t>(source.position, source.bytes.size());
    const std::uint64_t count =
        std::min(static_cast<std::uint64_t>(size), source.bytes.size() - start);
    if (count > 0) std::memcpy(to, source.bytes.data() + start, count);
    source.position = start + count;
    return static_cast<tmsize_t>(count);
  }
  static tmsize_t write(thandle_t, void*, tmsize_t) { return 0; }
  static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    Source& source = of(handle);
    if (whence == SEEK_SET) source.position = offset;
    if (whence == SEEK_CUR) source.position += offset;
    if (whence == SEEK_END) source.position = source.bytes.size() + offset;
    return source.position;
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t handle) { return of(handle).bytes.size(); }

  /// Non-zero: the handlers of the process, which print, are not asked as well.
  static int on_error(TIFF*, void* handle, const char*, const char* format, std::va_list values) {
    std::array<char, 256> text{};
    std::vsnprintf(text.data(), text.size(), format, values);
    if (Source& source = of(handle); source.first_error.empty()) source.first_error = text.data();
    return 1;
  }
  static int on_warning(TIFF*, void*, const char*, const char*, std::va_list) { return 1; }
};

using File = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

File open_file(const Encoded& encoded, Source& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(
      TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &Source::on_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), &Source::on_warning, &source);
  constexpr std::int64_t kOtherBytes = std::int64_t{64} << 20;
  constexpr std::int64_t kMaxSamplesBytes = 8;  // of a pixel
  TIFFOpenOptionsSetMaxSingleMemAlloc(
      options.get(),
      kOtherBytes + kMaxSamplesBytes * std::clamp<std::int64_t>(encoded.options.max_pixels, 0,
                                                                std::int64_t{1} << 31));
  File file(TIFFClientOpenExt("image", "rm", &source, &Source::read, &Source::write, &Source::seek,
                              &Source::close, &Source::size, nullptr, nullptr, options.get()),
            &TIFFClose);
  if (!file) encoded.fail_as_corrupt("TIFF", source.first_error);
  return file;
}

enum class Alpha { kNone, kStraight, kMultiplied };

/// What the first extra sample is; one of no stated meaning is none. libtiff multiplies colors by
/// an alpha that is said not to be multiplied in yet: from here on it takes it for one that is, so
/// that colors stay as they are until their profile is applied.
Alpha take_alpha(TIFF* file) {
  std::uint16_t count = 0;
  const std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(file, TIFFTAG_EXTRASAMPLES, &count, &kinds);
  if (count == 0) return Alpha::kNone;
  const Alpha alpha = kinds[0] == EXTRASAMPLE_ASSOCALPHA   ? Alpha::kMultiplied
                      : kinds[0] == EXTRASAMPLE_UNASSALPHA ? Alpha::kStraight
                                                           : Alpha::kNone;
  const std::vector<std::uint16_t> multiplied(count, EXTRASAMPLE_ASSOCALPHA);
  TIFFSetField(file, TIFFTAG_EXTRASAMPLES, count, multiplied.data());
  return alpha;
}

std::vector<std::byte> icc_profile_of(TIFF* file) {
  std::uint32_t size = 0;
  const void* profile = nullptr;
  if (TIFFGetField(file, TIFFTAG_ICCPROFILE, &size, &profile) != 1) return {};
  const auto* bytes = static_cast<const std::byte*>(profile);
  return {bytes, bytes + size};
}

std::uint16_t number_of(TIFF* file, std::uint32_t tag) {
  std::uint16_t value = 0;
  TIFFGetFieldDefaulted(file, tag, &value);
  return value;
}

/// Whether it is CMYK whose rows can be had as they are stored, as its profile needs them.
bool has_plain_cmyk(TIFF* file) {
  return number_of(file, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_SEPARATED &&
         number_of(file, TIFFTAG_INKSET) == INKSET_CMYK &&
         number_of(file, TIFFTAG_BITSPERSAMPLE) == 8 &&
         number_of(file, TIFFTAG_SAMPLESPERPIXEL) == 4 &&
         number_of(file, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_CONTIG && !TIFFIsTiled(file);
}

/// Rows that are decoded at once: whole strips or tiles, so that none is decoded twice.
std::uint32_t rows_at_once(const Encoded& encoded, TIFF* file, std::uint32_t height) {
  constexpr std::uint32_t kMinRows = 64;
  std::uint32_t unit = height;
  if (TIFFIsTiled(file)) {
    std::uint32_t tile_width = 0;
    TIFFGetField(file, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(file, TIFFTAG_TILELENGTH, &unit);
    if (tile_width == 0 || unit == 0 || tile_width > encoded.options.max_pixels / unit) {
      encoded.fail_as_corrupt("TIFF", "its tiles are of an impossible size");
    }
  } else {
    TIFFGetFieldDefaulted(file, TIFFTAG_ROWSPERSTRIP, &unit);
  }
  unit = std::clamp(unit, 1U, height);
  return std::min(height, (kMinRows + unit - 1) / unit * unit);
}

/// Ends libtiff's decoding state with the scope.
class RgbaReader {
 public:
  RgbaReader(const Encoded& encoded, TIFF* file) {
    std::array<char, 1024> reason{};
    if (!TIFFRGBAImageOK(file, reason.data()) ||
        !TIFFRGBAImageBegin(&state_, file, 1, reason.data())) {
      const std::string_view text = reason.data();
      const bool lacks_a_tag = text.find("issing") != std::string_view::npos;
      if (lacks_a_tag) encoded.fail_as_corrupt("TIFF", text);
      encoded.fail_as_unsupported("TIFF", text);
    }
    // As stored: the turn is ours, since libtiff mirrors but does not exchange width and height.
    state_.orientation = ORIENTATION_TOPLEFT;
    state_.req_orientation = ORIENTATION_TOPLEFT;
  }
  ~RgbaReader() { TIFFRGBAImageEnd(&state_); }
  RgbaReader(const RgbaReader&) = delete;
  RgbaReader& operator=(const RgbaReader&) = delete;

  /// False when a part of these rows cannot be decoded.
  bool read(std::uint32_t first_row, std::uint32_t rows, std::vector<std::uint32_t>& abgr) {
    state_.row_offset = static_cast<int>(first_row);
    state_.col_offset = 0;
    return TIFFRGBAImageGet(&state_, abgr.data(), state_.width, rows) != 0;
  }

 private:
  TIFFRGBAImage state_{};
};

void decode_cmyk(const Encoded& encoded, TIFF* file, const Source& source, Bytes profile,
                 Image& image) {
  const std::size_t row_bytes = std::size_t{4} * static_cast<std::size_t>(image.width());
  std::vector<std::uint8_t> cmyk(row_bytes * static_cast<std::size_t>(image.height()));
  if (TIFFScanlineSize(file) != static_cast<tmsize_t>(row_bytes)) {
    encoded.fail_as_corrupt("TIFF", "its rows are of an impossible size");
  }
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* const row = cmyk.data() + row_bytes * static_cast<std::size_t>(y);
    if (TIFFReadScanline(file, row, static_cast<std::uint32_t>(y), 0) != 1) {
      encoded.fail_as_corrupt("TIFF", source.first_error);
    }
  }
  cmyk_to_rgb(encoded, profile, cmyk, image);
}

void decode_rgba(const Encoded& encoded, TIFF* file, const Source& source, Decoded& decoded) {
  const auto width = static_cast<std::uint32_t>(decoded.image.width());
  const auto height = static_cast<std::uint32_t>(decoded.image.height());
  const Alpha alpha = take_alpha(file);
  if (alpha != Alpha::kNone) decoded.alpha.resize(std::size_t{width} * height);
  const std::uint32_t band = rows_at_once(encoded, file, height);
  RgbaReader reader(encoded, file);
  std::vector<std::uint32_t> abgr(std::size_t{width} * band);
  for (std::uint32_t first = 0; first < height; first += band) {
    const std::uint32_t rows = std::min(band, height - first);
    if (!reader.read(first, rows, abgr)) encoded.fail_as_corrupt("TIFF", source.first_error);
    std::uint8_t* rgb = decoded.image.row(static_cast<int>(first));
    for (std::size_t i = 0; i < std::size_t{width} * rows; ++i, rgb += 3) {
      const std::uint32_t opacity = TIFFGetA(abgr[i]);
      // What is multiplied in already is taken out again.
      const auto color = [&](std::uint32_t value) {
        if (alpha != Alpha::kMultiplied || opacity == 0) return static_cast<std::uint8_t>(value);
        return static_cast<std::uint8_t>(std::min(255U, (value * 255 + opacity / 2) / opacity));
      };
      rgb[0] = color(TIFFGetR(abgr[i]));
      rgb[1] = color(TIFFGetG(abgr[i]));
      rgb[2] = color(TIFFGetB(abgr[i]));
      if (alpha != Alpha::kNone) {
        decoded.alpha[std::size_t{first} * width + i] = static_cast<std::uint8_t>(opacity);
      }
    }
  }
}

/// libtiff takes samples with a sign, and complex ones, for what they are not.
void check_samples(const Encoded& encoded, TIFF* file) {
  const std::uint16_t kind = number_of(file, TIFFTAG_SAMPLEFORMAT);
  if (kind == SAMPLEFORMAT_INT || kind == SAMPLEFORMAT_COMPLEXINT ||
      kind == SAMPLEFORMAT_COMPLEXIEEEFP) {
    encoded.fail_as_unsupported("TIFF", kind == SAMPLEFORMAT_INT
                                            ? "samples that have a sign; make them unsigned"
                                            : "samples that are complex numbers");
  }
}

/// The page at which the file stands.
Decoded decode_page(const Encoded& encoded, TIFF* file, const Source& source) {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
  Decoded decoded;
  decoded.image = encoded.canvas(width, height);
  const std::uint16_t compression = number_of(file, TIFFTAG_COMPRESSION);
  if (!TIFFIsCODECConfigured(compression)) {
    encoded.fail_as_unsupported("TIFF", fmt::format("compression {}", compression));
  }
  check_samples(encoded, file);
  std::vector<std::byte> profile = icc_profile_of(file);
  if (!profile.empty() && has_plain_cmyk(file)) {
    decode_cmyk(encoded, file, source, profile, decoded.image);
  } else {
    decode_rgba(encoded, file, source, decoded);
    // libtiff brings CIE L*a*b* to sRGB.
    const std::uint16_t photometric = number_of(file, TIFFTAG_PHOTOMETRIC);
    const bool is_lab = photometric == PHOTOMETRIC_CIELAB || photometric == PHOTOMETRIC_ICCLAB;
    if (!is_lab) decoded.icc_profile = std::move(profile);
  }
  std::uint16_t orientation = 1;
  TIFFGetFieldDefaulted(file, TIFFTAG_ORIENTATION, &orientation);
  decoded.orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  return decoded;
}

std::string text_of(TIFF* file, std::uint32_t tag) {
  const char* text = nullptr;
  return TIFFGetField(file, tag, &text) == 1 && text != nullptr ? text : "";
}

/// Those of the page at which the file stands, which stands elsewhere afterwards.
CaptureNotes take_notes(TIFF* file) {
  CaptureNotes notes = {.artist = text_of(file, TIFFTAG_ARTIST),
                        .copyright = text_of(file, TIFFTAG_COPYRIGHT)};
  toff_t exif = 0;
  if (TIFFGetField(file, TIFFTAG_EXIFIFD, &exif) == 1 && TIFFReadEXIFDirectory(file, exif) == 1) {
    notes.taken = text_of(file, EXIFTAG_DATETIMEORIGINAL);
    notes.offset = text_of(file, EXIFTAG_OFFSETTIMEORIGINAL);
    notes.fraction = text_of(file, EXIFTAG_SUBSECTIMEORIGINAL);
  }
  return notes;
}

Decoded decode_tiff(const Encoded& encoded) {
  Source source{encoded.bytes, 0, {}};
  const File file = open_file(encoded, source);
  Decoded decoded = decode_page(encoded, file.get(), source);
  decoded.notes = take_notes(file.get());
  return decoded;
}

/// Whether the page at which the file stands is one of its own, no thumbnail nor mask of another.
bool is_own_page(TIFF* file) {
  std::uint32_t kind = 0;
  TIFFGetFieldDefaulted(file, TIFFTAG_SUBFILETYPE, &kind);
  return (kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0;
}

FrameCount count_tiff(const Encoded& encoded) {
  Source source{encoded.bytes, 0, {}};
  const File file = open_file(encoded, source);
  std::int64_t pages = 1;
  while (TIFFReadDirectory(file.get()) == 1) pages += is_own_page(file.get()) ? 1 : 0;
  return {.frames = pages, .are_pages = true};
}

class TiffReader : public FrameReader {
 public:
  explicit TiffReader(const Encoded& encoded)
      : encoded_(encoded), source_{encoded.bytes, 0, {}}, file_(open_file(encoded, source_)) {}

  std::optional<DecodedFrame> next() override {
    while (has_begun_) {
      source_.first_error.clear();
      if (TIFFReadDirectory(file_.get()) != 1) {
        if (!source_.first_error.empty()) encoded_.fail_as_corrupt("TIFF", source_.first_error);
        return std::nullopt;
      }
      if (is_own_page(file_.get())) break;
    }
    has_begun_ = true;
    return DecodedFrame{decode_page(encoded_, file_.get(), source_)};
  }

 private:
  const Encoded& encoded_;
  Source source_;
  File file_;
  bool has_begun_ = false;
};

std::unique_ptr<FrameReader> open_tiff(const Encoded& encoded) {
  return std::make_unique<TiffReader>(encoded);
}

}  // namespace

const Decoder kTiffDecoder = {"TIFF", is_tiff, decode_tiff, count_tiff, open_tiff};

}  // namespace retinaface::codecs
