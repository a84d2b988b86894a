#include "video/video_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/origin_seal.h"
#include "base/part_file.h"
#include "base/plain_file.h"
#include "image/codecs/image_name.h"
#include "video/libav.h"
#include "video/sound_copy.h"

namespace retinaface::video {
namespace {

namespace fs = std::filesystem;

struct Container {
  std::string_view extension;
  const char* name;  ///< libavformat's
};

constexpr std::array kContainers = {Container{".mp4", "mp4"}, Container{".m4v", "mp4"},
                                    Container{".mov", "mov"}, Container{".mkv", "matroska"}};

const Container* find_container(const fs::path& path) {
  const auto* const found =
      std::ranges::find(kContainers, lower_case_extension(path), &Container::extension);
  return found == kContainers.end() ? nullptr : found;
}

int even(int side) {
  return (side + 1) / 2 * 2;
}

struct CloseOutput {
  const Libav* av;
  void operator()(AVFormatContext* context) const {
    av->avio_closep(&context->pb);
    av->avformat_free_context(context);
  }
};

}  // namespace

bool can_write_video(const fs::path& path) {
  return find_container(path) != nullptr;
}

class VideoWriter::Implementation {
 public:
  Implementation(const fs::path& path, int width, int height, VideoFormat format)
      : path_(written_target(path)),
        name_(printable(path)),
        av_(Libav::get(name_)),
        width_(even(width)),
        height_(even(height)),
        format_(std::move(format)),
        context_(nullptr, CloseOutput{&av_}),
        encoder_(nullptr, Release{&av_}),
        rgb_(owned(av_, av_.av_frame_alloc())),
        yuv_(owned(av_, av_.av_frame_alloc())),
        packet_(owned(av_, av_.av_packet_alloc())),
        converter_(nullptr, Release{&av_}) {
    const Container* const container = find_container(path_);
    if (container == nullptr) {
      fail(ErrorCode::kUnsupported, "{}: expected a name that ends in .mp4, .m4v, .mov or .mkv",
           name_);
    }
    AVFormatContext* context = nullptr;
    require(av_.avformat_alloc_output_context2(&context, nullptr, container->name, nullptr));
    context_.reset(context);
    open_encoder();
    AVStream* const stream = av_.avformat_new_stream(context_.get(), nullptr);
    if (stream == nullptr) throw std::bad_alloc();
    require(av_.avcodec_parameters_from_context(stream->codecpar, encoder_.get()));
    stream->time_base = encoder_->time_base;
    stream->avg_frame_rate = encoder_->framerate;
    stream->sample_aspect_ratio = encoder_->sample_aspect_ratio;
    if (!format_.sound_from.empty()) {
      sound_.emplace(av_, format_.sound_from, *context_);
      context_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;  // sounds that are new in .mp4
    }
    prepare(*yuv_, AV_PIX_FMT_YUV420P, width_, height_);
    expect_plain_file(path_, ErrorCode::kUnwritable);
    part_ = part_beside(path_);
    const int opened =
        av_.avio_open(&context_->pb, ("file:" + part_.string()).c_str(), AVIO_FLAG_WRITE);
    if (opened < 0) fail(ErrorCode::kUnwritable, "{}: {}", name_, av_.reason(opened));
    is_begun_ = true;
    take_permissions(part_, path_);
    av_.av_dict_set(&context_->metadata, "comment", open_mark().c_str(), 0);
    AVDictionary* settings = nullptr;
    // Matroska's checksums of its parts: that of the comment would be wrong when it is sealed.
    av_.av_dict_set(&settings, "write_crc32", "0", 0);
    const int begun = av_.avformat_write_header(context_.get(), &settings);
    av_.av_dict_free(&settings);
    if (begun < 0) {
      remove();
      const bool has_sound = sound_ && !sound_->empty();
      fail(ErrorCode::kUnwritable, "{}: {}{}", name_, av_.reason(begun),
           has_sound ? "; it may be written with the sound left out" : "");
    }
  }

  ~Implementation() { remove(); }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  void write(const Image& image, double time_s) {
    RF_CHECK(!image.empty());
    take_over(image);
    require(av_.av_frame_make_writable(yuv_.get()));
    av_.sws_scale(converter_.get(), rgb_->data, rgb_->linesize, 0, rgb_->height, yuv_->data,
                  yuv_->linesize);
    const std::int64_t time =
        std::llround(std::clamp(time_s, 0.0, kLongest_s) / av_q2d(encoder_->time_base));
    yuv_->pts = std::max(time, last_ + 1);
    if (last_ >= 0) gap_ = yuv_->pts - last_;
    last_ = yuv_->pts;
    if (sound_) require(sound_->write_until(at_s(last_)));
    require(av_.avcodec_send_frame(encoder_.get(), yuv_.get()));
    write_packets();
  }

  const std::vector<std::string>& sound_left_out() const {
    static const std::vector<std::string> kNone;
    return sound_ ? sound_->left_out() : kNone;
  }

  void finish(SoundEnd sound) {
    require(av_.avcodec_send_frame(encoder_.get(), nullptr));
    write_packets();
    if (sound_) {
      require(sound_->write_until(sound == SoundEnd::kByItself ? kLongest_s
                                                               : at_s(last_ + last_duration())));
    }
    require(av_.av_write_trailer(context_.get()));
    require(av_.avio_closep(&context_->pb));
    seal_file(part_);
    std::error_code error;
    fs::rename(part_, path_, error);
    if (error) fail(ErrorCode::kUnwritable, "{}: {}", name_, error.message());
    is_begun_ = false;
  }

 private:
  static constexpr double kLongest_s = 1e9;  // of a video: what a header says may be anything

  double at_s(std::int64_t time) const {
    return static_cast<double>(time) * av_q2d(encoder_->time_base);
  }

  /// How long the last image is shown, in the encoder's units.
  std::int64_t last_duration() const {
    return encoder_->framerate.num > 0
               ? std::llround(1 / av_q2d(encoder_->framerate) / av_q2d(encoder_->time_base))
               : gap_;
  }

  void require(int result) const {
    if (result == AVERROR(ENOMEM)) throw std::bad_alloc();
    if (result < 0) {
      fail(ErrorCode::kUnwritable, "{}: cannot be written: {}", name_, av_.reason(result));
    }
  }

  void remove() {
    std::error_code ignored;
    if (is_begun_) fs::remove(part_, ignored);
    is_begun_ = false;
  }

  void open_encoder() {
    const AVCodec* h264 =
        format_.prefer_h264 ? av_.avcodec_find_encoder_by_name("libx264") : nullptr;
    const AVCodec* const codec =
        h264 != nullptr ? h264 : av_.avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    if (codec == nullptr) {
      fail(ErrorCode::kUnsupported, "{}: libavcodec has no encoder for H.264 or MPEG-4", name_);
    }
    encoder_ = owned(av_, av_.avcodec_alloc_context3(codec));
    encoder_->width = width_;
    encoder_->height = height_;
    encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
    // MPEG-4 counts in 16 bits.
    constexpr int kMpegClock = 90000;
    constexpr int kShortClock = 60000;
    encoder_->time_base = {1, h264 != nullptr ? kMpegClock : kShortClock};
    encoder_->framerate = ratio(format_.frames_per_s);
    encoder_->sample_aspect_ratio = ratio(format_.pixel_aspect);
    encoder_->colorspace = AVCOL_SPC_BT709;
    encoder_->color_primaries = AVCOL_PRI_BT709;
    encoder_->color_trc = AVCOL_TRC_BT709;
    encoder_->color_range = AVCOL_RANGE_MPEG;
    if ((context_->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
      encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    AVDictionary* settings = nullptr;
    if (h264 != nullptr) {
      av_.av_dict_set(&settings, "preset", "veryfast", 0);
      av_.av_dict_set(&settings, "crf", "20", 0);
    } else {
      encoder_->flags |= AV_CODEC_FLAG_QSCALE;
      encoder_->global_quality = 3 * FF_QP2LAMBDA;
    }
    const int result = av_.avcodec_open2(encoder_.get(), codec, &settings);
    av_.av_dict_free(&settings);
    if (result < 0) {
      fail(ErrorCode::kUnsupported, "{}: a video of {}x{} pixels cannot be encoded: {}", name_,
           width_, height_, av_.reason(result));
    }
  }

  /// {0, 1}, "unknown", for what is none.
  static AVRational ratio(double value) {
    constexpr int kParts = 1001 * 60;  // 30000/1001 and its kind are exact
    if (!(value > 1e-3 && value < 1e4)) return {0, 1};
    return {static_cast<int>(std::lround(value * kParts)), kParts};
  }

  void prepare(AVFrame& frame, AVPixelFormat format, int width, int height) const {
    av_.av_frame_unref(&frame);
    frame.format = format;
    frame.width = width;
    frame.height = height;
    frame.colorspace = AVCOL_SPC_BT709;
    frame.color_primaries = AVCOL_PRI_BT709;
    frame.color_trc = AVCOL_TRC_BT709;
    frame.color_range = AVCOL_RANGE_MPEG;
    require(av_.av_frame_get_buffer(&frame, 0));
  }

  /// Copies the image to where libswscale's vector code may read beyond its rows, with even
  /// sides.
  void take_over(const Image& image) {
    const int width = even(image.width());
    const int height = even(image.height());
    if (!converter_ || rgb_->width != width || rgb_->height != height) {
      prepare(*rgb_, AV_PIX_FMT_RGB24, width, height);
      converter_ = owned(
          av_, av_.sws_getContext(width, height, AV_PIX_FMT_RGB24, width_, height_,
                                  AV_PIX_FMT_YUV420P, SWS_BILINEAR, nullptr, nullptr, nullptr));
      constexpr int kOne = 1 << 16;  // contrast and saturation as they are
      av_.sws_setColorspaceDetails(converter_.get(), av_.sws_getCoefficients(SWS_CS_DEFAULT), 1,
                                   av_.sws_getCoefficients(SWS_CS_ITU709), 0, 0, kOne, kOne);
    }
    for (int y = 0; y < height; ++y) {
      const std::uint8_t* const from = image.row(std::min(y, image.height() - 1));
      std::uint8_t* const to = rgb_->data[0] + std::ptrdiff_t{y} * rgb_->linesize[0];
      std::memcpy(to, from, static_cast<std::size_t>(image.stride()));
      if (width != image.width()) std::copy_n(to + image.stride() - 3, 3, to + image.stride());
    }
  }

  void write_packets() {
    AVStream* const stream = context_->streams[0];
    while (true) {
      const int result = av_.avcodec_receive_packet(encoder_.get(), packet_.get());
      if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
      require(result);
      // The muxer sees how long a frame lasts by the next one's time, but not of the last, which
      // players leave out if it lasts for no time.
      if (packet_->duration == 0) packet_->duration = last_duration();
      packet_->stream_index = 0;
      av_.av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream->time_base);
      require(av_.av_interleaved_write_frame(context_.get(), packet_.get()));
    }
  }

  const fs::path path_;
  const std::string name_;
  const Libav& av_;
  const int width_;  // of the video, even
  const int height_;
  const VideoFormat format_;
  fs::path part_;
  bool is_begun_ = false;
  std::unique_ptr<AVFormatContext, CloseOutput> context_;
  Owned<AVCodecContext> encoder_;
  Owned<AVFrame> rgb_;
  Owned<AVFrame> yuv_;
  Owned<AVPacket> packet_;
  Owned<SwsContext> converter_;
  std::optional<SoundCopy> sound_;
  std::int64_t last_ = -1;
  std::int64_t gap_ = 1;  // between the last two frames
};

VideoWriter::VideoWriter(const fs::path& path, int width, int height, const VideoFormat& format)
    : implementation_(std::make_unique<Implementation>(path, width, height, format)) {}

VideoWriter::~VideoWriter() = default;

void VideoWriter::write(const Image& image, double time_s) {
  implementation_->write(image, time_s);
}
const std::vector<std::string>& VideoWriter::sound_left_out() const {
  return implementation_->sound_left_out();
}
void VideoWriter::finish(SoundEnd sound) {
  implementation_->finish(sound);
}

}  // namespace retinaface::video
