// JPEG 2000 (ISO/IEC 15444-1: JP2 files and bare codestreams) by OpenJPEG, which is loaded when the
// first such file is met.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <openjpeg.h>

#include "base/check.h"
#include "base/shared_library.h"
#include "image/codecs/codec.h"
#include "image/codecs/icc_profile.h"

namespace retinaface::codecs {
namespace {

constexpr const char* kLibraryName = "libopenjp2.so.7";
constexpr std::string_view kFormat = "JPEG 2000";

bool is_codestream(Bytes bytes) {
  return has_text(bytes, 0, "\xFF\x4F\xFF\x51");
}

bool is_jpeg2000(Bytes bytes) {
  using namespace std::string_view_literals;  // the mark of the file contains zeros
  return is_codestream(bytes) || has_text(bytes, 0, "\0\0\0\x0CjP  \x0D\x0A\x87\x0A"sv);
}

/// The functions of OpenJPEG that are used, each of the type that its header declares.
struct Library {
#define RF_OPJ_FUNCTIONS(apply)                                                                \
  apply(create_decompress) apply(destroy_codec) apply(set_default_decoder_parameters)          \
      apply(setup_decoder) apply(set_error_handler) apply(stream_create) apply(stream_destroy) \
          apply(stream_set_read_function) apply(stream_set_skip_function)                      \
              apply(stream_set_seek_function) apply(stream_set_user_data)                      \
                  apply(stream_set_user_data_length) apply(read_header) apply(decode)          \
                      apply(end_decompress) apply(image_destroy)

#define RF_DECLARE(name) decltype(&opj_##name) name = nullptr;
  RF_OPJ_FUNCTIONS(RF_DECLARE)
#undef RF_DECLARE
  std::string problem;

  static const Library& get() {
    static const Library library;
    return library;
  }

 private:
  Library() {
    SharedLibrary shared(kLibraryName);
#define RF_FIND(name) shared.find("opj_" #name, name);
    RF_OPJ_FUNCTIONS(RF_FIND)
#undef RF_FIND
#undef RF_OPJ_FUNCTIONS
    problem = shared.problem();
  }
};

/// The file in memory, as OpenJPEG reads it.
struct Source {
  Bytes bytes;
  std::size_t position = 0;

  static OPJ_SIZE_T read(void* to, OPJ_SIZE_T size, void* user) {
    auto& source = *static_cast<Source*>(user);
    const std::size_t count = std::min<std::size_t>(size, source.bytes.size() - source.position);
    if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
    std::memcpy(to, source.bytes.data() + source.position, count);
    source.position += count;
    return count;
  }
  static OPJ_OFF_T skip(OPJ_OFF_T size, void* user) {
    auto& source = *static_cast<Source*>(user);
    const auto rest = static_cast<OPJ_OFF_T>(source.bytes.size() - source.position);
    const OPJ_OFF_T count = std::clamp<OPJ_OFF_T>(size, 0, rest);
    source.position += static_cast<std::size_t>(count);
    return count;
  }
  static OPJ_BOOL seek(OPJ_OFF_T offset, void* user) {
    auto& source = *static_cast<Source*>(user);
    if (offset < 0 || static_cast<std::size_t>(offset) > source.bytes.size()) return OPJ_FALSE;
    source.position = static_cast<std::size_t>(offset);
    return OPJ_TRUE;
  }
};

void keep_first_error(const char* message, void* first) {
  auto& text = *static_cast<std::string*>(first);
  if (text.empty()) text = message;
}

/// One channel of the image: its samples, which may be fewer than pixels, as 0 to 255.
class Channel {
 public:
  Channel(const opj_image_t& image, const opj_image_comp_t& component)
      : component_(component),
        left_(image.x0),
        top_(image.y0),
        offset_(component.sgnd != 0 ? std::int64_t{1} << (component.prec - 1) : 0),
        max_((std::int64_t{1} << component.prec) - 1) {}

  std::uint8_t at(int x, int y) const {
    const auto index = [](OPJ_UINT32 first, int i, OPJ_UINT32 step, OPJ_UINT32 count) {
      const auto nearest = static_cast<std::int64_t>(first + static_cast<OPJ_UINT32>(i)) / step -
                           (first + step - 1) / step;
      return static_cast<std::size_t>(
          std::clamp<std::int64_t>(nearest, 0, std::int64_t{count} - 1));
    };
    const std::size_t row = index(top_, y, component_.dy, component_.h);
    const std::size_t column = index(left_, x, component_.dx, component_.w);
    const std::int64_t value = component_.data[row * component_.w + column] + offset_;
    return static_cast<std::uint8_t>((std::clamp<std::int64_t>(value, 0, max_) * 255 + max_ / 2) /
                                     max_);
  }

 private:
  const opj_image_comp_t& component_;
  OPJ_UINT32 left_;
  OPJ_UINT32 top_;
  std::int64_t offset_;
  std::int64_t max_;
};

/// ITU-R BT.601 of the full range, as ISO/IEC 15444-1 says of sYCC.
void rgb_from_ycc(std::uint8_t* pixel) {
  const float luma = pixel[0];
  const float blue = static_cast<float>(pixel[1]) - 128;
  const float red = static_cast<float>(pixel[2]) - 128;
  const auto byte = [](float value) {
    return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0F, 255.0F)));
  };
  pixel[0] = byte(luma + 1.402F * red);
  pixel[1] = byte(luma - 0.344136F * blue - 0.714136F * red);
  pixel[2] = byte(luma + 1.772F * blue);
}

void check(const Encoded& encoded, const opj_image_t& image) {
  if (image.numcomps == 0) encoded.fail_as_corrupt(kFormat, "it has no channels");
  for (OPJ_UINT32 i = 0; i < image.numcomps; ++i) {
    const opj_image_comp_t& component = image.comps[i];
    if (component.data == nullptr || component.w == 0 || component.h == 0 || component.dx == 0 ||
        component.dy == 0 || component.prec == 0 || component.prec > 31) {
      encoded.fail_as_corrupt(kFormat, "a channel has no samples");
    }
  }
}

void take_pixels(const Encoded& encoded, const opj_image_t& image, Decoded& decoded) {
  check(encoded, image);
  std::vector<Channel> colors;
  std::vector<Channel> alpha;
  bool is_multiplied = false;
  for (OPJ_UINT32 i = 0; i < image.numcomps; ++i) {
    const opj_image_comp_t& component = image.comps[i];
    if (component.alpha == 0) colors.emplace_back(image, component);
    if (component.alpha != 0 && alpha.empty()) {
      alpha.emplace_back(image, component);
      is_multiplied = component.alpha == 2;
    }
  }
  // Two or four channels of which none is said to be opacity.
  const bool is_cmyk = image.color_space == OPJ_CLRSPC_CMYK && colors.size() >= 4;
  const std::size_t wanted = is_cmyk ? 4 : colors.size() >= 3 ? 3 : 1;
  if (colors.size() < wanted || colors.empty()) {
    encoded.fail_as_unsupported(kFormat, "its channels are no colors");
  }
  Image& to = decoded.image;
  const auto pixels = static_cast<std::size_t>(to.width()) * static_cast<std::size_t>(to.height());
  std::vector<std::uint8_t> cmyk(is_cmyk ? 4 * pixels : 0);
  if (!alpha.empty()) decoded.alpha.resize(pixels);
  const bool is_ycc = image.color_space == OPJ_CLRSPC_SYCC && wanted == 3;
  std::size_t at = 0;
  for (int y = 0; y < to.height(); ++y) {
    std::uint8_t* pixel = to.row(y);
    for (int x = 0; x < to.width(); ++x, pixel += 3, ++at) {
      if (is_cmyk) {
        for (std::size_t c = 0; c < 4; ++c) cmyk[4 * at + c] = colors[c].at(x, y);
      } else {
        for (std::size_t c = 0; c < 3; ++c) pixel[c] = colors[wanted == 3 ? c : 0].at(x, y);
      }
      if (is_ycc) rgb_from_ycc(pixel);
      if (alpha.empty()) continue;
      const int opacity = alpha[0].at(x, y);
      decoded.alpha[at] = static_cast<std::uint8_t>(opacity);
      if (!is_multiplied || opacity == 0) continue;
      for (std::size_t c = 0; c < 3; ++c) {
        pixel[c] =
            static_cast<std::uint8_t>(std::min(255, (pixel[c] * 255 + opacity / 2) / opacity));
      }
    }
  }
  const auto* profile = reinterpret_cast<const std::byte*>(image.icc_profile_buf);
  if (profile != nullptr) decoded.icc_profile.assign(profile, profile + image.icc_profile_len);
  if (is_cmyk) {
    cmyk_to_rgb(encoded, decoded.icc_profile, cmyk, to);
    decoded.icc_profile.clear();
  }
}

Decoded decode_jpeg2000(const Encoded& encoded) {
  const Library& opj = Library::get();
  if (!opj.problem.empty()) {
    encoded.fail_as_unsupported(kFormat, fmt::format("expected {} to be installed", kLibraryName));
  }
  Source source{encoded.bytes};
  constexpr OPJ_SIZE_T kBufferBytes = 1 << 16;
  const std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)> stream(
      static_cast<opj_stream_t*>(opj.stream_create(kBufferBytes, OPJ_TRUE)), opj.stream_destroy);
  const std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)> codec(
      static_cast<opj_codec_t*>(
          opj.create_decompress(is_codestream(encoded.bytes) ? OPJ_CODEC_J2K : OPJ_CODEC_JP2)),
      opj.destroy_codec);
  if (stream == nullptr || codec == nullptr) throw std::bad_alloc();
  opj.stream_set_read_function(stream.get(), &Source::read);
  opj.stream_set_skip_function(stream.get(), &Source::skip);
  opj.stream_set_seek_function(stream.get(), &Source::seek);
  opj.stream_set_user_data(stream.get(), &source, nullptr);
  opj.stream_set_user_data_length(stream.get(), encoded.bytes.size());
  std::string error;
  opj.set_error_handler(codec.get(), &keep_first_error, &error);
  const auto require = [&](bool done) {
    if (!done) encoded.fail_as_corrupt(kFormat, error.empty() ? "it cannot be decoded" : error);
  };
  opj_dparameters_t parameters{};
  opj.set_default_decoder_parameters(&parameters);
  require(opj.setup_decoder(codec.get(), &parameters) == OPJ_TRUE);
  opj_image_t* image = nullptr;
  const bool has_header = opj.read_header(stream.get(), codec.get(), &image) == OPJ_TRUE;
  const std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)> owner(image, opj.image_destroy);
  require(has_header && image != nullptr);
  Decoded decoded;
  decoded.image =
      encoded.canvas(std::int64_t{image->x1} - image->x0, std::int64_t{image->y1} - image->y0);
  // Samples take four bytes each; nobody needs more channels than these.
  constexpr OPJ_UINT32 kMaxChannels = 8;
  if (image->numcomps > kMaxChannels) {
    encoded.fail_as_unsupported(kFormat, fmt::format("{} channels", image->numcomps));
  }
  require(opj.decode(codec.get(), stream.get(), image) == OPJ_TRUE);
  require(opj.end_decompress(codec.get(), stream.get()) == OPJ_TRUE);
  take_pixels(encoded, *image, decoded);
  return decoded;
}

}  // namespace

const Decoder kJpeg2000Decoder = {"JPEG 2000", is_jpeg2000, decode_jpeg2000};

}  // namespace retinaface::codecs
