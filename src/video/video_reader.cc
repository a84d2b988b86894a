#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "retinaface/video.h"

#include "base/check.h"
#include "base/file.h"
#include "image/codecs/codec.h"
#include "image/codecs/orientation.h"
#include "image/coded_color.h"
#include "image/composite.h"
#include "video/input_context.h"
#include "video/libav.h"
#include "video/missing_frames.h"
#include "video/video_kind.h"

namespace retinaface::video {
namespace {

/// How long a camera or a stream may keep silent.
constexpr std::chrono::seconds kLongestSilence{20};

constexpr const char* kMissingPackets = "packets are missing";

/// The pixel formats named "J" are others with the full range, by an old name.
AVPixelFormat without_j(AVPixelFormat format, bool& full_range) {
  constexpr std::pair<AVPixelFormat, AVPixelFormat> kNames[] = {
      {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P},
      {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
      {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P},
      {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P},
      {AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P}};
  for (const auto& [old, now] : kNames) {
    if (format != old) continue;
    full_range = true;
    return now;
  }
  return format;
}

/// The number behind a C enumeration, which a video may set to one that the enumeration lacks: fine
/// in C, but not for C++ to look at.
template <typename Enumeration>
int number_of(const Enumeration& value) {
  static_assert(sizeof(value) == sizeof(int));
  int number = 0;
  std::memcpy(&number, &value, sizeof(number));
  return number;
}

/// The matrix of a frame, as libswscale counts them.
int matrix_of(const AVFrame& frame) {
  const int matrix = number_of(frame.colorspace);
  switch (matrix) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_SMPTE240M:
    case AVCOL_SPC_BT2020_NCL:
      return matrix;
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    default:  // what players take who are not told
      return frame.width >= 1280 || frame.height > 576 ? SWS_CS_ITU709 : SWS_CS_ITU601;
  }
}

/// The orientation as EXIF counts them (image/codecs/orientation.h) that a display matrix comes
/// closest to. Row vectors, ISO/IEC 14496-12 6.2.2: x' = a x + c y, y' = b x + d y with a, b at 0,
/// 1 and c, d at 3, 4.
int orientation_of(const std::int32_t* matrix) {
  const auto magnitude = [&](int i) { return std::abs(static_cast<double>(matrix[i])); };
  if (magnitude(0) + magnitude(4) >= magnitude(1) + magnitude(3)) {
    return matrix[0] >= 0 ? (matrix[4] >= 0 ? 1 : 4) : (matrix[4] >= 0 ? 2 : 3);
  }
  return matrix[1] >= 0 ? (matrix[3] >= 0 ? 5 : 6) : (matrix[3] >= 0 ? 8 : 7);
}

}  // namespace
}  // namespace retinaface::video

namespace retinaface {

using namespace video;

class VideoReader::Implementation {
 public:
  Implementation(const std::string& source, const VideoOptions& options)
      : name_(printable(source)),
        options_(options),
        av_(Libav::get(name_)),
        context_(nullptr, CloseInput{&av_}),
        decoder_(nullptr, Release{&av_}),
        frame_(owned(av_, av_.av_frame_alloc())),
        packet_(owned(av_, av_.av_packet_alloc())),
        converter_(nullptr, Release{&av_}) {
    open_source(source);
    open_stream();
  }

  std::optional<FrameStamp> next() {
    av_.av_frame_unref(frame_.get());
    while (!at_end_) {
      if (stopped()) break;
      const int result = av_.avcodec_receive_frame(decoder_.get(), frame_.get());
      if (result == 0) {
        errors_in_a_row_ = 0;
        if (has_gap_ && frame_->decode_error_flags != 0) note_damage(kMissingPackets);
        return stamp();
      }
      if (result == AVERROR_EOF && !is_at_joint_) break;
      if (result == AVERROR_EOF) {
        begin_part();
      } else if (result == AVERROR(EAGAIN)) {
        feed();
      } else {
        note_bad_packet(av_.reason(result));
        // A decoder that is given nothing more may repeat its complaint for ever.
        constexpr int kMaxErrors = 1000;
        at_end_ = ++errors_in_a_row_ > kMaxErrors;
      }
    }
    at_end_ = true;
    note_missing_end();
    count_missing();
    return std::nullopt;
  }

  Image image() {
    const AVFrame& frame = *frame_;
    if (frame.data[0] == nullptr) {
      fail(ErrorCode::kInvalidArgument, "{}: expected a frame, found none: next() leads to one",
           name_);
    }
    check_size(frame.width, frame.height);
    prepare_converter(frame);
    const bool is_wide = !kind_.color.is_srgb();
    const bool has_alpha = kind_.has_alpha();
    const std::ptrdiff_t values = (has_alpha ? 4 : 3) * std::ptrdiff_t{frame.width};
    const std::ptrdiff_t row_bytes = (is_wide ? 2 : 1) * values;
    // libswscale's vector code writes beyond the end of a row, into what it expects as padding.
    constexpr std::ptrdiff_t kPadding = 64;
    const std::ptrdiff_t stride = (row_bytes + 2 * kPadding - 1) / kPadding * kPadding;
    padded_.resize(static_cast<std::size_t>(stride * frame.height + kPadding));
    std::uint8_t* const to[4] = {padded_.data()};
    const int to_stride[4] = {static_cast<int>(stride)};
    if (av_.sws_scale(converter_.get(), frame.data, frame.linesize, 0, frame.height, to,
                      to_stride) != frame.height) {
      fail(ErrorCode::kBadData, "{}: frame {} cannot be converted to RGB", name_, number_ - 1);
    }
    Image image(frame.width, frame.height);
    if (has_alpha) {
      image = without_alpha(std::move(image), stride, row_bytes);
      return upright(std::move(image), orientation_of_frame());
    }
    std::vector<std::uint16_t> wide(is_wide ? static_cast<std::size_t>(values) : 0);
    for (int y = 0; y < image.height(); ++y) {
      const std::uint8_t* const row = padded_.data() + y * stride;
      if (is_wide) {
        std::memcpy(wide.data(), row, static_cast<std::size_t>(row_bytes));
        to_srgb_->convert(wide, {image.row(y), wide.size()});
      } else {
        std::memcpy(image.row(y), row, static_cast<std::size_t>(row_bytes));
      }
    }
    return upright(std::move(image), orientation_of_frame());
  }

  const std::string& damage() const { return damage_; }
  std::int64_t missing_frames() const {
    return missing_by_times_.count() + missing_by_header_ + missing_at_joints_;
  }

  double frames_per_s() const {
    const AVRational rate = av_.av_guess_frame_rate(context_.get(), stream_, nullptr);
    return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
  }

  std::int64_t expected_frames() const {
    constexpr double kMax = 1e12;  // more than any video: a header may say anything
    if (stream_->nb_frames > 0) return stream_->nb_frames;
    const double seconds = duration_s();
    return static_cast<std::int64_t>(std::clamp(seconds * frames_per_s() + 0.5, 0.0, kMax));
  }

  double pixel_aspect() const {
    const AVRational aspect = stream_->sample_aspect_ratio.num > 0 ? stream_->sample_aspect_ratio
                                                                   : decoder_->sample_aspect_ratio;
    if (aspect.num <= 0 || aspect.den <= 0) return 1;
    return orientation_ >= 5 ? 1 / av_q2d(aspect) : av_q2d(aspect);
  }

 private:
  bool stopped() const { return options_.stop != nullptr && *options_.stop; }

  [[noreturn]] void fail_to_open(int error) const {
    if (error == AVERROR(ENOMEM)) {  // mostly of a header that claims what no video has
      fail(ErrorCode::kTooLarge, "{}: the video asks for more memory than it can have", name_);
    }
    const ErrorCode code = error == AVERROR(ENOENT)       ? ErrorCode::kNotFound
                           : error == AVERROR_INVALIDDATA ? ErrorCode::kBadData
                           : error == AVERROR_EOF         ? ErrorCode::kBadData
                           : error == AVERROR(EINVAL)     ? ErrorCode::kBadData
                                                          : ErrorCode::kUnreadable;
    if (code == ErrorCode::kBadData) {
      fail(code, "{}: expected a video, found a truncated, corrupt or other file: {}", name_,
           av_.reason(error));
    }
    if (is_stream(name_) && error == AVERROR(EIO)) {  // all that it says
      fail(code, "{}: its host is not known, was not reached or broke the connection off", name_);
    }
    fail(code, "{}: {}", name_, av_.reason(error));
  }

  void open_source(const std::string& source) {
    const bool is_device = is_camera(source);
    live_ = is_device || is_stream(source);
    if (is_device) Libav::load_devices(name_);
    if (!live_) check_file(source);
    AVFormatContext* context = av_.avformat_alloc_context();
    if (context == nullptr) throw std::bad_alloc();
    context->interrupt_callback = {must_give_up, this};
    last_sign_ = Clock::now();
    if (!live_) {
      const int result = open_file(av_, source, context, context_);
      if (result < 0) fail_to_open(result);
      return;
    }
    const AVInputFormat* const format = is_device ? av_.av_find_input_format("v4l2") : nullptr;
    // Frees the context when it fails.
    const int result = av_.avformat_open_input(&context, source.c_str(), format, nullptr);
    if (result < 0) fail_to_open(result);
    context_.reset(context);
  }

  /// Says what libavformat would only call invalid.
  void check_file(const std::string& source) const {
    std::error_code error;
    const std::filesystem::path path = source;
    std::error_code ignored;
    const std::uintmax_t bytes = std::filesystem::file_size(path, error);
    if (error == std::errc::no_such_file_or_directory) {
      fail(ErrorCode::kNotFound, "{}: no such file", name_);
    }
    // It is looked into more than once, which a pipe does not allow.
    if (std::filesystem::is_fifo(path, ignored)) {
      fail(ErrorCode::kUnsupported,
           "{}: expected a file, found a pipe, from which no videos are read; write it to a file "
           "first",
           name_);
    }
    if (!error && bytes == 0) {
      fail(ErrorCode::kBadData, "{}: expected a video, found nothing: it is empty", name_);
    }
  }

  void open_stream() {
    int result = av_.avformat_find_stream_info(context_.get(), nullptr);
    if (result < 0) fail_to_open(result);
    const AVCodec* codec = nullptr;
    const int index =
        av_.av_find_best_stream(context_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (index < 0 || (context_->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) {
      fail(ErrorCode::kBadData, "{}: expected a video, found a file without moving images", name_);
    }
    stream_ = context_->streams[index];
    const AVCodecParameters& parameters = *stream_->codecpar;
    codec = decoder_of_stream();
    if (codec == nullptr) {
      fail(ErrorCode::kUnsupported, "{}: there is no decoder for the video's codec", name_);
    }
    check_size(parameters.width, parameters.height);
    decoder_ = owned(av_, av_.avcodec_alloc_context3(codec));
    // It counts rows as it stores them, in multiples of 64 pixels; check_size() is exact.
    constexpr std::int64_t kRounding = 64 * 65536;
    decoder_->max_pixels = options_.max_pixels + kRounding;
    decoder_->pkt_timebase = stream_->time_base;
    // One thread: detection, which takes longer, uses the others.
    decoder_->thread_count = 1;
    result = av_.avcodec_parameters_to_context(decoder_.get(), &parameters);
    if (result >= 0) result = av_.avcodec_open2(decoder_.get(), codec, nullptr);
    if (result < 0) fail_to_open(result);
    if (const std::uint8_t* const matrix =
            av_.av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, nullptr)) {
      orientation_ = orientation_of(reinterpret_cast<const std::int32_t*>(matrix));
    }
  }

  /// VP8 and VP9 have their transparency in a stream of its own beside the frames, which of
  /// FFmpeg's decoders only those by libvpx read; its own ones are used where there is none.
  const AVCodec* decoder_of_stream() const {
    const AVCodecID id = stream_->codecpar->codec_id;
    const AVDictionaryEntry* const mode =
        av_.av_dict_get(stream_->metadata, "alpha_mode", nullptr, 0);
    if (mode != nullptr && std::strcmp(mode->value, "1") == 0) {
      const AVCodec* const libvpx =
          id == AV_CODEC_ID_VP9   ? av_.avcodec_find_decoder_by_name("libvpx-vp9")
          : id == AV_CODEC_ID_VP8 ? av_.avcodec_find_decoder_by_name("libvpx")
                                  : nullptr;
      if (libvpx != nullptr) return libvpx;
    }
    return av_.avcodec_find_decoder(id);
  }

  void check_size(std::int64_t width, std::int64_t height) const {
    if (width <= 0 || height <= 0) {
      fail(ErrorCode::kBadData, "{}: expected a video, found one of {}x{} pixels", name_, width,
           height);
    }
    if (width > options_.max_pixels / height) {
      fail(ErrorCode::kTooLarge, "{}: {}x{} pixels, more than the {} that are decoded at most",
           name_, width, height, options_.max_pixels);
    }
  }

  /// Gives the decoder the next packet, or says that there is none.
  void feed() {
    last_sign_ = Clock::now();
    while (true) {
      const int result = av_.av_read_frame(context_.get(), packet_.get());
      if (result == AVERROR(EAGAIN) && must_give_up() == 0) {  // a camera that is not ready
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        continue;
      }
      if (result < 0) {
        if (result != AVERROR_EOF && !stopped()) note_damage(av_.reason(result));
        if (packets_to_joint_ > 0) note_damage("it is cut short");
        av_.avcodec_send_packet(decoder_.get(), nullptr);
        return;
      }
      last_sign_ = Clock::now();
      note_end_of(*packet_);
      if (packet_->stream_index == stream_->index) {
        const bool is_cut = (packet_->flags & AV_PKT_FLAG_CORRUPT) != 0;
        if ((packet_->flags & AV_PKT_FLAG_DISCARD) != 0) ++not_to_show_;
        if (live_) break;
        if (is_transport_stream(*context_)) {
          if (note_gap(*packet_, is_cut)) return end_part();
          if (!is_before_key_frame(*packet_)) break;
        } else if (!is_cut) {
          break;
        } else {
          note_damage("it is cut short");
        }
      }
      av_.av_packet_unref(packet_.get());
      if (stopped()) return;
    }
    decode_packet();
  }

  void decode_packet() {
    const int result = av_.avcodec_send_packet(decoder_.get(), packet_.get());
    av_.av_packet_unref(packet_.get());
    if (result < 0) note_bad_packet(av_.reason(result));
  }

  /// Has the decoder put out all frames before a joint of transport streams, whose first packet
  /// behind it waits.
  void end_part() {
    is_at_joint_ = true;
    av_.avcodec_send_packet(decoder_.get(), nullptr);
  }

  /// Goes on behind a joint. What follows may begin inside a group of pictures: no frame before its
  /// first key frame can be decoded, and by those of another stream it would come out wrong and out
  /// of order, without an error.
  void begin_part() {
    constexpr int kMaxFrames = 300;  // encoders take 250 at most; some streams have no key frames
    is_at_joint_ = false;
    av_.avcodec_flush_buffers(decoder_.get());
    frames_to_key_ = kMaxFrames;
    part_begin_ = INT64_MAX;
    is_new_part_ = true;
    if (!is_before_key_frame(*packet_)) return decode_packet();
    av_.av_packet_unref(packet_.get());
  }

  /// Whether the next packet is before the first key frame behind a joint, and so is to be dropped.
  bool is_before_key_frame(const AVPacket& packet) {
    if (packet.pts != AV_NOPTS_VALUE) part_begin_ = std::min(part_begin_, packet.pts);
    if ((packet.flags & AV_PKT_FLAG_KEY) != 0) frames_to_key_ = 0;
    if (frames_to_key_ == 0) return false;
    --frames_to_key_;
    ++missing_at_joints_;
    return true;
  }

  /// How long a part has lasted before the frame, its first: those that could not be decoded take
  /// their time, as their sound does.
  double lead_of_part_s() const {
    const std::int64_t time = frame_->best_effort_timestamp;
    return time > part_begin_ ? static_cast<double>(time - part_begin_) * av_q2d(stream_->time_base)
                              : 0;
  }

  FrameStamp stamp() {
    const double step = frames_per_s() > 0 ? 1 / frames_per_s() : 0;
    double time = number_ == 0 ? 0 : last_time_s_ + step;
    if (frame_->best_effort_timestamp != AV_NOPTS_VALUE) {
      const double at =
          static_cast<double>(frame_->best_effort_timestamp) * av_q2d(stream_->time_base);
      if (number_ == 0) first_time_s_ = at;
      const bool may_jump_ahead = !live_ && is_transport_stream(*context_);
      const double lead_s = is_new_part_ ? lead_of_part_s() : 0;
      const double begin_s = at - lead_s - first_time_s_;
      if (number_ > 0 && (is_another_clock(begin_s, last_time_s_, may_jump_ahead) ||
                          (is_new_part_ && begin_s <= last_time_s_))) {
        first_time_s_ = at - (last_time_s_ + step + lead_s);
      }
      is_new_part_ = false;
      time = number_ == 0 ? 0 : std::max(at - first_time_s_, last_time_s_);
    }
    last_time_s_ = time;
    return {number_++, time};
  }

  /// A frame may be turned otherwise than the stream.
  int orientation_of_frame() const {
    const AVFrameSideData* const data =
        av_.av_frame_get_side_data(frame_.get(), AV_FRAME_DATA_DISPLAYMATRIX);
    return data != nullptr && data->size >= 9 * sizeof(std::int32_t)
               ? orientation_of(reinterpret_cast<const std::int32_t*>(data->data))
               : orientation_;
  }

  /// What the values of a frame mean; its brightest light is that of the video, if it says so.
  CodedColor color_of(const AVFrame& frame) const {
    CodedColor color = {.primaries = number_of(frame.color_primaries),
                        .transfer = number_of(frame.color_trc)};
    if (color.is_srgb()) return {};
    const AVFrameSideData* const data =
        av_.av_frame_get_side_data(&frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    if (data != nullptr && data->size >= sizeof(AVContentLightMetadata)) {
      AVContentLightMetadata light{};
      std::memcpy(&light, data->data, sizeof(light));
      if (light.MaxCLL > 0) color.peak_nits = static_cast<float>(light.MaxCLL);
    }
    return color;
  }

  /// The RGBA pixels of padded_, of which a row has `row_bytes`, laid on the background.
  Image without_alpha(Image canvas, std::ptrdiff_t stride, std::ptrdiff_t row_bytes) const {
    codecs::Decoded decoded = {.image = std::move(canvas), .coded_color = kind_.color};
    const auto bytes = static_cast<std::size_t>(row_bytes);
    const auto height = static_cast<std::size_t>(decoded.image.height());
    const auto rows_into = [&](void* pixels) {
      for (std::size_t y = 0; y < height; ++y) {
        std::memcpy(static_cast<std::uint8_t*>(pixels) + y * bytes,
                    padded_.data() + y * static_cast<std::size_t>(stride), bytes);
      }
    };
    if (kind_.color.is_srgb()) {
      std::vector<std::uint8_t> rgba(bytes * height);
      rows_into(rgba.data());
      decoded.take_rgba(rgba);
    } else {
      std::vector<std::uint16_t> rgba(bytes * height / 2);
      rows_into(rgba.data());
      decoded.take_coded_rgba(rgba);
    }
    // AVI knows no transparency; mostly the fourth byte of its 32-bit pixels is an unused zero.
    const bool is_unused = std::strcmp(context_->iformat->name, "avi") == 0 &&
                           std::ranges::count(decoded.alpha, 0) == std::ssize(decoded.alpha);
    if (!is_unused) composite(decoded.image, decoded.alpha, options_.background);
    return std::move(decoded.image);
  }

  /// The converter from frames like this one, which changes within few videos.
  void prepare_converter(const AVFrame& frame) {
    bool full_range = number_of(frame.color_range) == AVCOL_RANGE_JPEG;
    const AVPixelFormat format = without_j(static_cast<AVPixelFormat>(frame.format), full_range);
    const AVPixFmtDescriptor* const described = av_.av_pix_fmt_desc_get(format);
    const Kind kind = {frame.width,      frame.height, format,         described,
                       matrix_of(frame), full_range,   color_of(frame)};
    if (converter_ && kind == kind_) return;
    if (av_.sws_isSupportedInput(format) <= 0) {
      fail(ErrorCode::kUnsupported, "{}: frames of {} are not known", name_,
           av_.av_get_pix_fmt_name(format) != nullptr ? av_.av_get_pix_fmt_name(format)
                                                      : "a strange kind");
    }
    // 8 bits are too few for values that are stretched on the way to sRGB.
    const bool is_wide = !kind.color.is_srgb();
    const AVPixelFormat to = kind.has_alpha() ? (is_wide ? AV_PIX_FMT_RGBA64 : AV_PIX_FMT_RGBA)
                                              : (is_wide ? AV_PIX_FMT_RGB48 : AV_PIX_FMT_RGB24);
    converter_ =
        owned(av_, av_.sws_getContext(frame.width, frame.height, format, frame.width, frame.height,
                                      to, SWS_BILINEAR, nullptr, nullptr, nullptr));
    to_srgb_ = SrgbConversion::of(kind.color);
    constexpr int kOne = 1 << 16;  // contrast and saturation as they are
    // Of frames that are RGB already it refuses, as there is nothing to set.
    av_.sws_setColorspaceDetails(converter_.get(), av_.sws_getCoefficients(kind.matrix),
                                 full_range ? 1 : 0, av_.sws_getCoefficients(SWS_CS_DEFAULT), 1, 0,
                                 kOne, kOne);
    kind_ = kind;
  }

  double duration_s() const {
    if (stream_->duration > 0) {
      return static_cast<double>(stream_->duration) * av_q2d(stream_->time_base);
    }
    return context_->duration > 0 ? static_cast<double>(context_->duration) / AV_TIME_BASE : 0;
  }

  void note_damage(const std::string& reason) {
    const std::string place =
        number_ == 0 ? std::string("before the first frame")
                     : fmt::format("after frame {} ({:.3f} s)", number_ - 1, last_time_s_);
    if (damage_.empty())
      damage_ = fmt::format("{}: truncated or corrupt {}: {}", name_, place, reason);
  }

  /// Streams lose packets as a matter of course.
  void note_bad_packet(const std::string& reason) {
    if (!live_) note_damage(reason);
  }

  /// A transport stream counts its packets of 188 bytes. Where two streams are joined the count
  /// breaks, and libavformat calls a frame damaged although it is whole: the last one before the
  /// joint or the one before that. So it is decoded, and nothing is wrong if another clock follows
  /// and the decoder does not complain. Returns whether the packet is the first behind a joint.
  bool note_gap(const AVPacket& packet, bool is_cut) {
    constexpr int kMaxPacketsToJoint = 2;
    constexpr double kMaxStep_s = 1;
    const auto time_s = [&](std::int64_t dts) {
      return static_cast<double>(dts) * av_q2d(stream_->time_base);
    };
    if (packet.dts != AV_NOPTS_VALUE) {
      missing_by_times_.add(packet.dts, kMaxStep_s / av_q2d(stream_->time_base));
    }
    const bool has_step = packet.dts != AV_NOPTS_VALUE && last_dts_ != AV_NOPTS_VALUE;
    const double step_s = has_step ? time_s(packet.dts) - time_s(last_dts_) : 0;
    const bool is_joint = has_step && (step_s <= 0 || step_s > kMaxStep_s);
    // Frames that are far apart follow each other without a break in the count.
    const bool is_other_stream =
        is_joint && (is_cut || packets_to_joint_ > 0 || is_another_clock(step_s, 0, true));
    if (packet.dts != AV_NOPTS_VALUE) last_dts_ = packet.dts;
    if (packets_to_joint_ > 0) {
      --packets_to_joint_;
      if (is_joint) {
        packets_to_joint_ = 0;
      } else if (packets_to_joint_ == 0) {
        note_damage(kMissingPackets);
      }
    }
    if (is_cut) has_gap_ = true;
    if (is_cut && !is_joint) packets_to_joint_ = kMaxPacketsToJoint;
    return is_other_stream;
  }

  /// Sound counts as well: it may go on longer than the images.
  void note_end_of(const AVPacket& packet) {
    if (packet.pts == AV_NOPTS_VALUE) return;
    const AVRational unit = context_->streams[packet.stream_index]->time_base;
    end_s_ = std::max(end_s_, (static_cast<double>(packet.pts) +
                               static_cast<double>(std::max<std::int64_t>(packet.duration, 0))) *
                                  av_q2d(unit));
  }

  /// Several containers end anywhere without an error; but their header says how long they are.
  void note_missing_end() {
    if (number_ == 0 && damage_.empty() && !stopped()) note_damage("it has none");
    if (live_ || stopped() || context_->duration <= 0 ||
        context_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM) {
      return;
    }
    const double start_s = context_->start_time != AV_NOPTS_VALUE
                               ? static_cast<double>(context_->start_time) / AV_TIME_BASE
                               : 0;
    const double duration_s = static_cast<double>(context_->duration) / AV_TIME_BASE;
    const double missing_s = start_s + duration_s - end_s_;
    const double frame_s = frames_per_s() > 0 ? 1 / frames_per_s() : 0;
    if (missing_s > std::min(1.0, 0.1 * duration_s) + 2 * frame_s) {
      note_damage(fmt::format("the video says that it goes on for {:.1f} s", missing_s));
    }
  }

  /// Only the headers of MP4 and MOV count what is there.
  void count_missing() {
    if (stopped() || std::strstr(context_->iformat->name, "mp4") == nullptr) return;
    const std::int64_t shown = stream_->nb_frames - not_to_show_;
    missing_by_header_ = std::max<std::int64_t>(shown - number_, 0);
  }

  /// For libavformat, while it waits.
  int must_give_up() const {
    return stopped() || (live_ && Clock::now() - last_sign_ > kLongestSilence) ? 1 : 0;
  }

  // As a function of the class's: the library would export a lambda.
  static int must_give_up(void* self) { return static_cast<Implementation*>(self)->must_give_up(); }

  using Clock = std::chrono::steady_clock;

  /// What a converter depends on.
  struct Kind {
    int width, height;
    AVPixelFormat format;
    const AVPixFmtDescriptor* described;  // null for a format that is not known
    int matrix;
    bool full_range;
    CodedColor color;
    bool has_alpha() const {
      return described != nullptr && (described->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
    }
    bool operator==(const Kind&) const = default;
  };

  const std::string name_;
  const VideoOptions options_;
  const Libav& av_;
  InputContext context_;
  AVStream* stream_ = nullptr;
  Owned<AVCodecContext> decoder_;
  Owned<AVFrame> frame_;
  Owned<AVPacket> packet_;
  Owned<SwsContext> converter_;
  std::shared_ptr<const SrgbConversion> to_srgb_;
  Kind kind_{};
  std::vector<std::uint8_t> padded_;  // a frame as RGB
  int orientation_ = 1;
  bool live_ = false;
  Clock::time_point last_sign_;  // of life, from a camera or stream
  bool at_end_ = false;
  bool has_gap_ = false;      // a frame of a transport stream may lack packets
  int packets_to_joint_ = 0;  // among so many of the next ones a joint has to be, or it does
  bool is_at_joint_ = false;  // packet_ is the first behind one, and the decoder not yet empty
  int frames_to_key_ = 0;     // so many more may be dropped until a key frame comes
  bool is_new_part_ = false;  // no frame behind a joint yet, where part_begin_ is the first time
  std::int64_t part_begin_ = 0;
  std::int64_t last_dts_ = AV_NOPTS_VALUE;
  MissingFrames missing_by_times_;
  std::int64_t missing_by_header_ = 0;
  std::int64_t missing_at_joints_ = 0;
  std::int64_t not_to_show_ = 0;  // frames that the container has, but says not to show
  int errors_in_a_row_ = 0;
  std::int64_t number_ = 0;  // of the next frame
  double end_s_ = 0;         // of what was read, on the container's clock
  double first_time_s_ = 0;
  double last_time_s_ = 0;
  std::string damage_;
};

VideoReader::VideoReader(const std::string& source, const VideoOptions& options)
    : implementation_(std::make_unique<Implementation>(source, options)) {}

VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

std::optional<FrameStamp> VideoReader::next() {
  return implementation_->next();
}
Image VideoReader::image() {
  return implementation_->image();
}
std::int64_t VideoReader::missing_frames() const {
  return implementation_->missing_frames();
}
const std::string& VideoReader::damage() const {
  return implementation_->damage();
}
double VideoReader::frames_per_s() const {
  return implementation_->frames_per_s();
}
std::int64_t VideoReader::expected_frames() const {
  return implementation_->expected_frames();
}
double VideoReader::pixel_aspect() const {
  return implementation_->pixel_aspect();
}

}  // namespace retinaface
