// TIFF 6.0 by libtiff, the first page.

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <tiffio.h>

#include "base/check.h"
#include "image/codec.h"

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

File open(const Encoded& encoded, Source& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(
      TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &Source::on_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), &Source::on_warning, &source);
  constexpr std::int64_t kOtherBytes = std::int64_t{64} << 20;
  constexpr std::int64_t kMaxSamplesBytes = 8;  // of a pixel
  TIFFOpenOptionsSetMaxSingleMemAlloc(
      options.get(),
      kOtherBytes + kMaxSamplesBytes *
                        std::clamp<std::int64_t>(encoded.max_pixels, 0, std::int64_t{1} << 31));
  File file(TIFFClientOpenExt("image", "rm", &source, &Source::read, &Source::write, &Source::seek,
                              &Source::close, &Source::size, nullptr, nullptr, options.get()),
            &TIFFClose);
  if (!file) encoded.fail_as_corrupt("TIFF", source.first_error);
  return file;
}

/// libtiff multiplies colors by an alpha that is said not to be multiplied in yet. Alpha is
/// dropped here, so the colors must stay as they are.
void keep_colors_from_alpha(TIFF* file) {
  std::uint16_t count = 0;
  const std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(file, TIFFTAG_EXTRASAMPLES, &count, &kinds);
  if (count == 0) return;
  const std::vector<std::uint16_t> multiplied(count, EXTRASAMPLE_ASSOCALPHA);
  TIFFSetField(file, TIFFTAG_EXTRASAMPLES, count, multiplied.data());
}

/// Rows that are decoded at once: whole strips or tiles, so that none is decoded twice.
std::uint32_t rows_at_once(const Encoded& encoded, TIFF* file, std::uint32_t height) {
  constexpr std::uint32_t kRowsAtLeast = 64;
  std::uint32_t unit = height;
  if (TIFFIsTiled(file)) {
    std::uint32_t tile_width = 0;
    TIFFGetField(file, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(file, TIFFTAG_TILELENGTH, &unit);
    if (tile_width == 0 || unit == 0 || tile_width > encoded.max_pixels / unit) {
      encoded.fail_as_corrupt("TIFF", "its tiles are of an impossible size");
    }
  } else {
    TIFFGetFieldDefaulted(file, TIFFTAG_ROWSPERSTRIP, &unit);
  }
  unit = std::clamp(unit, 1U, height);
  return std::min(height, (kRowsAtLeast + unit - 1) / unit * unit);
}

/// Ends libtiff's decoding state with the scope.
class RgbaReader {
 public:
  RgbaReader(const Encoded& encoded, TIFF* file) {
    std::array<char, 1024> reason{};
    if (!TIFFRGBAImageOK(file, reason.data())) {
      encoded.fail_as_unsupported("TIFF", reason.data());
    }
    if (!TIFFRGBAImageBegin(&state_, file, 1, reason.data())) {
      encoded.fail_as_corrupt("TIFF", reason.data());
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

Decoded decode_tiff(const Encoded& encoded) {
  Source source{encoded.bytes, 0, {}};
  const File file = open(encoded, source);
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  TIFFGetField(file.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(file.get(), TIFFTAG_IMAGELENGTH, &height);
  Decoded decoded;
  decoded.image = encoded.canvas(width, height);
  keep_colors_from_alpha(file.get());

  const std::uint32_t band = rows_at_once(encoded, file.get(), height);
  RgbaReader reader(encoded, file.get());
  std::vector<std::uint32_t> abgr(std::size_t{width} * band);
  for (std::uint32_t first = 0; first < height; first += band) {
    const std::uint32_t rows = std::min(band, height - first);
    if (!reader.read(first, rows, abgr)) encoded.fail_as_corrupt("TIFF", source.first_error);
    std::uint8_t* rgb = decoded.image.row(static_cast<int>(first));
    for (std::size_t i = 0; i < std::size_t{width} * rows; ++i, rgb += 3) {
      rgb[0] = static_cast<std::uint8_t>(TIFFGetR(abgr[i]));
      rgb[1] = static_cast<std::uint8_t>(TIFFGetG(abgr[i]));
      rgb[2] = static_cast<std::uint8_t>(TIFFGetB(abgr[i]));
    }
  }
  std::uint16_t orientation = 1;
  TIFFGetFieldDefaulted(file.get(), TIFFTAG_ORIENTATION, &orientation);
  decoded.orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  return decoded;
}

}  // namespace

const Decoder kTiffDecoder = {"TIFF", is_tiff, decode_tiff};

}  // namespace retinaface::codecs
