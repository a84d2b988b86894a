// JPEG XL (ISO/IEC 18181) by libjxl, which is loaded when the first such file is met. Of malformed
// files Debian's build of it prints lines to standard error, which cannot be turned off.

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include <jxl/decode.h>

#include "base/check.h"
#include "base/shared_library.h"
#include "image/codecs/codec.h"

namespace retinaface::codecs {
namespace {

bool is_jxl(Bytes bytes) {
  using namespace std::string_view_literals;  // the mark of the container contains zeros
  return has_text(bytes, 0, "\xFF\x0A") || has_text(bytes, 0, "\0\0\0\x0CJXL \x0D\x0A\x87\x0A"sv);
}

/// The functions of libjxl that are used, each of the type that its header declares.
struct Library {
#define RF_JXL_FUNCTIONS(apply)                                                              \
  apply(Create) apply(Destroy) apply(SubscribeEvents) apply(SetInput) apply(ProcessInput)    \
      apply(GetBasicInfo) apply(GetColorAsEncodedProfile) apply(GetICCProfileSize)           \
          apply(GetColorAsICCProfile) apply(SetKeepOrientation) apply(SetUnpremultiplyAlpha) \
              apply(GetFrameHeader) apply(ImageOutBufferSize) apply(SetImageOutBuffer)

#define RF_DECLARE(name) decltype(&JxlDecoder##name) name = nullptr;
  RF_JXL_FUNCTIONS(RF_DECLARE)
#undef RF_DECLARE
  std::string file;
  std::string problem;

  static const Library& get() {
    static const Library library;
    return library;
  }

 private:
  // Before version 1 each minor version is a library of its own.
  Library()
      : file(JPEGXL_MAJOR_VERSION > 0
                 ? fmt::format("libjxl.so.{}", JPEGXL_MAJOR_VERSION)
                 : fmt::format("libjxl.so.{}.{}", JPEGXL_MAJOR_VERSION, JPEGXL_MINOR_VERSION)) {
    SharedLibrary shared(file);
#define RF_FIND(name) shared.find("JxlDecoder" #name, name);
    RF_JXL_FUNCTIONS(RF_FIND)
#undef RF_FIND
#undef RF_JXL_FUNCTIONS
    problem = shared.problem();
  }
};

/// Walks through one file.
class JxlReader : public FrameReader {
 public:
  static constexpr int kImages =
      JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FRAME | JXL_DEC_FULL_IMAGE;

  explicit JxlReader(const Encoded& encoded, int events = kImages)
      : encoded_(encoded), jxl_(Library::get()), decoder_(nullptr, jxl_.Destroy) {
    if (!jxl_.problem.empty()) {
      encoded.fail_as_unsupported("JPEG XL", fmt::format("expected {} to be installed", jxl_.file));
    }
    decoder_.reset(jxl_.Create(nullptr));
    if (decoder_ == nullptr) throw std::bad_alloc();
    require(jxl_.SubscribeEvents(decoder_.get(), events));
    require(jxl_.SetKeepOrientation(decoder_.get(), !encoded.options.apply_orientation));
    require(jxl_.SetUnpremultiplyAlpha(decoder_.get(), JXL_TRUE));
    require(jxl_.SetInput(decoder_.get(),
                          reinterpret_cast<const std::uint8_t*>(encoded.bytes.data()),
                          encoded.bytes.size()));
    // Not told that this is all (JxlDecoderCloseInput), it asks for more where a file ends early;
    // told, Debian's build of it prints a line to standard error.
  }

  std::optional<DecodedFrame> next() override {
    while (true) {
      switch (jxl_.ProcessInput(decoder_.get())) {
        case JXL_DEC_BASIC_INFO:
          take_basic_info();
          break;
        case JXL_DEC_COLOR_ENCODING:
          take_color();
          break;
        case JXL_DEC_FRAME:
          take_frame_header();
          break;
        case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
          give_buffer();
          break;
        case JXL_DEC_FULL_IMAGE:
          return finished();
        case JXL_DEC_SUCCESS:
          return std::nullopt;
        case JXL_DEC_NEED_MORE_INPUT:
          encoded_.fail_as_corrupt("JPEG XL", "it ends early");
        default:
          encoded_.fail_as_corrupt("JPEG XL", "malformed bitstream");
      }
    }
  }

  /// The frames, as far as the file goes; of a reader of the events JXL_DEC_FRAME alone.
  std::int64_t count() {
    std::int64_t frames = 0;
    while (jxl_.ProcessInput(decoder_.get()) == JXL_DEC_FRAME) ++frames;
    return frames;
  }

 private:
  void require(JxlDecoderStatus status) const {
    if (status != JXL_DEC_SUCCESS) encoded_.fail_as_corrupt("JPEG XL", "malformed bitstream");
  }

  void take_basic_info() {
    JxlBasicInfo info{};
    require(jxl_.GetBasicInfo(decoder_.get(), &info));
    // Where the orientation is applied, the size is that of the upright image.
    decoded_.image = encoded_.canvas(info.xsize, info.ysize);
    decoded_.coded_color.peak_nits = info.intensity_target;
    if (info.have_animation != 0 && info.animation.tps_numerator > 0) {
      tick_s_ = double{1} * info.animation.tps_denominator / info.animation.tps_numerator;
    }
  }

  void take_frame_header() {
    JxlFrameHeader header{};
    require(jxl_.GetFrameHeader(decoder_.get(), &header));
    duration_s_ = tick_s_ * header.duration;
  }

  void take_color() {
    JxlColorEncoding color{};
#if JPEGXL_NUMERIC_VERSION < JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
    const auto status = jxl_.GetColorAsEncodedProfile(decoder_.get(), &kWide,
                                                      JXL_COLOR_PROFILE_TARGET_DATA, &color);
#else
    const auto status =
        jxl_.GetColorAsEncodedProfile(decoder_.get(), JXL_COLOR_PROFILE_TARGET_DATA, &color);
#endif
    CodedColor& coded = decoded_.coded_color;
    if (status == JXL_DEC_SUCCESS) {
      // The numbers are those of H.273 but for gamma and primaries of their own.
      if (color.transfer_function == JXL_TRANSFER_FUNCTION_GAMMA) {
        coded.exponent = static_cast<float>(1 / color.gamma);
      } else {
        coded.transfer = color.transfer_function;
      }
      coded.primaries = color.primaries;
      if (color.color_space == JXL_COLOR_SPACE_GRAY) coded.primaries = CodedColor::kBt709;
      if (color.primaries == JXL_PRIMARIES_CUSTOM && color.color_space == JXL_COLOR_SPACE_RGB) {
        const double* const points[] = {color.primaries_red_xy, color.primaries_green_xy,
                                        color.primaries_blue_xy, color.white_point_xy};
        for (std::size_t i = 0; i < coded.chromaticities.size(); ++i) {
          coded.chromaticities[i] = static_cast<float>(points[i / 2][i % 2]);
        }
      }
      if (color.primaries == JXL_PRIMARIES_P3) coded.primaries = CodedColor::kDisplayP3;
      return;
    }
    std::size_t size = 0;
#if JPEGXL_NUMERIC_VERSION < JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
    if (jxl_.GetICCProfileSize(decoder_.get(), &kWide, JXL_COLOR_PROFILE_TARGET_DATA, &size) !=
        JXL_DEC_SUCCESS) {
      return;
    }
    decoded_.icc_profile.resize(size);
    require(jxl_.GetColorAsICCProfile(decoder_.get(), &kWide, JXL_COLOR_PROFILE_TARGET_DATA,
                                      reinterpret_cast<std::uint8_t*>(decoded_.icc_profile.data()),
                                      size));
#else
    if (jxl_.GetICCProfileSize(decoder_.get(), JXL_COLOR_PROFILE_TARGET_DATA, &size) !=
        JXL_DEC_SUCCESS) {
      return;
    }
    decoded_.icc_profile.resize(size);
    require(jxl_.GetColorAsICCProfile(decoder_.get(), JXL_COLOR_PROFILE_TARGET_DATA,
                                      reinterpret_cast<std::uint8_t*>(decoded_.icc_profile.data()),
                                      size));
#endif
  }

  bool is_wide() const {
    return decoded_.icc_profile.empty() && decoded_.coded_color.is_hdr();
  }

  void give_buffer() {
    const JxlPixelFormat& format = is_wide() ? kWide : kNarrow;
    const std::size_t values = 4 * static_cast<std::size_t>(decoded_.image.width()) *
                               static_cast<std::size_t>(decoded_.image.height());
    std::size_t bytes = 0;
    require(jxl_.ImageOutBufferSize(decoder_.get(), &format, &bytes));
    if (bytes != values * (is_wide() ? 2 : 1)) {
      encoded_.fail_as_corrupt("JPEG XL", "its size changes on the way");
    }
    if (is_wide()) {
      wide_.resize(values);
      require(jxl_.SetImageOutBuffer(decoder_.get(), &format, wide_.data(), bytes));
    } else {
      narrow_.resize(values);
      require(jxl_.SetImageOutBuffer(decoder_.get(), &format, narrow_.data(), bytes));
    }
  }

  DecodedFrame finished() {
    DecodedFrame frame = {
        {.image = encoded_.canvas(decoded_.image.width(), decoded_.image.height()),
         .icc_profile = decoded_.icc_profile,
         .coded_color = decoded_.coded_color},
        duration_s_};
    if (is_wide()) {
      frame.decoded.take_coded_rgba(wide_);
    } else {
      frame.decoded.take_rgba(narrow_);
    }
    return frame;
  }

  static constexpr JxlPixelFormat kNarrow = {4, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  static constexpr JxlPixelFormat kWide = {4, JXL_TYPE_UINT16, JXL_NATIVE_ENDIAN, 0};

  const Encoded& encoded_;
  const Library& jxl_;
  std::unique_ptr<JxlDecoder, decltype(&JxlDecoderDestroy)> decoder_;
  Decoded decoded_;  // its size and colors
  double tick_s_ = 0;
  double duration_s_ = 0;
  std::vector<std::uint8_t> narrow_;
  std::vector<std::uint16_t> wide_;
};

Decoded decode_jxl(const Encoded& encoded) {
  std::optional<DecodedFrame> frame = JxlReader(encoded).next();
  if (!frame) encoded.fail_as_corrupt("JPEG XL", "it has no image");
  return std::move(frame->decoded);
}

FrameCount count_jxl(const Encoded& encoded) {
  return {.frames = std::max<std::int64_t>(1, JxlReader(encoded, JXL_DEC_FRAME).count())};
}

std::unique_ptr<FrameReader> open_jxl(const Encoded& encoded) {
  return std::make_unique<JxlReader>(encoded);
}

}  // namespace

const Decoder kJxlDecoder = {"JPEG XL", is_jxl, decode_jxl, count_jxl, open_jxl};

}  // namespace retinaface::codecs
