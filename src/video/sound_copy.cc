#include "video/sound_copy.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::video {
namespace {

/// Decoders need what lies a little before the first image to play what lies there.
constexpr double kLeadIn_s = 0.1;

}  // namespace

SoundCopy::SoundCopy(const Libav& av, const std::string& path, AVFormatContext& output)
    : av_(av),
      output_(output),
      input_(nullptr, CloseInput{&av}),
      packet_(owned(av, av.av_packet_alloc())) {
  AVFormatContext* context = av_.avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  int result = open_file(av_, path, context, input_);
  if (result >= 0) result = av_.avformat_find_stream_info(input_.get(), nullptr);
  if (result < 0) {
    fail(ErrorCode::kUnreadable, "{}: its sound cannot be read: {}", printable(path),
         av_.reason(result));
  }
  const int images = av_.av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  double first_s = 0;
  if (images >= 0) {
    const AVStream& stream = *input_->streams[images];
    if (stream.start_time != AV_NOPTS_VALUE) {
      first_s = static_cast<double>(stream.start_time) * av_q2d(stream.time_base);
    }
  }
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    AVStream& stream = *input_->streams[i];
    stream.discard = AVDISCARD_ALL;
    if (stream.codecpar->codec_type == AVMEDIA_TYPE_AUDIO) add_stream(stream, output, first_s);
  }
  for (const Stream& stream : streams_) {
    input_->streams[stream.from->index]->discard = AVDISCARD_DEFAULT;
  }
  at_end_ = streams_.empty();
}

void SoundCopy::add_stream(const AVStream& from, AVFormatContext& output, double first_s) {
  const AVCodecID codec = from.codecpar->codec_id;
  if (av_.avformat_query_codec(output.oformat, codec, FF_COMPLIANCE_EXPERIMENTAL) != 1) {
    left_out_.emplace_back(printable(av_.avcodec_get_name(codec)));
    return;
  }
  AVStream* const to = av_.avformat_new_stream(&output, nullptr);
  if (to == nullptr || av_.avcodec_parameters_copy(to->codecpar, from.codecpar) < 0) {
    throw std::bad_alloc();
  }
  to->codecpar->codec_tag = 0;  // another container has another one
  to->time_base = from.time_base;
  to->disposition = from.disposition;
  if (const AVDictionaryEntry* const language =
          av_.av_dict_get(from.metadata, "language", nullptr, 0)) {
    av_.av_dict_set(&to->metadata, "language", language->value, 0);
  }
  streams_.push_back({&from, to, first_s});
}

SoundCopy::Stream* SoundCopy::stream_of(const AVPacket& packet) {
  const auto found = std::ranges::find_if(
      streams_, [&](const Stream& stream) { return stream.from->index == packet.stream_index; });
  return found == streams_.end() ? nullptr : &*found;
}

double SoundCopy::time_s(Stream& stream, const AVPacket& packet) const {
  const std::int64_t stamp = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  if (stamp == AV_NOPTS_VALUE) return stream.next_s;
  const double at = static_cast<double>(stamp) * av_q2d(stream.from->time_base);
  const bool is_first = stream.last == INT64_MIN;
  if (!is_first &&
      is_another_clock(at - stream.first_s, stream.next_s, is_transport_stream(*input_))) {
    stream.first_s = at - stream.next_s;
  }
  return at - stream.first_s;
}

int SoundCopy::write_until(double until_s) {
  while (!at_end_) {
    if (!has_packet_) {
      at_end_ = av_.av_read_frame(input_.get(), packet_.get()) < 0;
      if (at_end_) break;
      has_packet_ = true;
    }
    Stream* const stream = stream_of(*packet_);
    const double begin_s = stream != nullptr ? time_s(*stream, *packet_) : 0;
    if (stream != nullptr && begin_s >= until_s) return 0;
    has_packet_ = false;
    if (stream == nullptr || begin_s < -kLeadIn_s) {
      av_.av_packet_unref(packet_.get());
      continue;
    }
    const AVRational from = stream->from->time_base;
    const AVRational to = stream->to->time_base;
    const double duration_s =
        static_cast<double>(std::max<std::int64_t>(packet_->duration, 0)) * av_q2d(from);
    stream->next_s = begin_s + duration_s;
    const std::int64_t time = std::llround(begin_s / av_q2d(to));
    stream->last = stream->last == INT64_MIN ? time : std::max(time, stream->last + 1);
    packet_->pts = packet_->dts = stream->last;
    packet_->duration = std::llround(duration_s / av_q2d(to));
    packet_->pos = -1;
    packet_->stream_index = stream->to->index;
    const int result = av_.av_interleaved_write_frame(&output_, packet_.get());
    if (result < 0) return result;
  }
  return 0;
}

}  // namespace retinaface::video
