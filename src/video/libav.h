#pragma once

#include <memory>
#include <new>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace retinaface::video {

/// The functions of libavformat, libavcodec, libavutil and libswscale that are used, each of the
/// type that its header declares and under its own name. The libraries are loaded when the first
/// video is met: linked, they would double the time in which an image's first line is there.
class Libav {
 public:
  /// The libraries, which stay loaded. Throws Error(kUnsupported), starting with `video`, the name
  /// of what needs them, where they are not installed.
  static const Libav& get(const std::string& video);

  /// Makes cameras known, by libavdevice. Throws Error(kUnsupported) as get does.
  static void load_devices(const std::string& camera);

#define RF_LIBAVFORMAT(apply)                                                                     \
  apply(avformat_open_input) apply(avformat_close_input) apply(avformat_find_stream_info)         \
      apply(avformat_alloc_context) apply(avformat_free_context) apply(av_find_best_stream)       \
          apply(av_find_input_format) apply(av_read_frame) apply(av_guess_frame_rate)             \
              apply(av_stream_get_side_data) apply(avformat_alloc_output_context2)                \
                  apply(avformat_new_stream) apply(avformat_write_header) apply(av_write_trailer) \
                      apply(av_interleaved_write_frame) apply(avio_open) apply(avio_closep)       \
                          apply(avformat_query_codec)
#define RF_LIBAVCODEC(apply)                                                                     \
  apply(avcodec_find_decoder) apply(avcodec_find_decoder_by_name) apply(avcodec_find_encoder)    \
      apply(avcodec_find_encoder_by_name) apply(avcodec_alloc_context3)                          \
          apply(avcodec_free_context) apply(avcodec_open2) apply(avcodec_parameters_to_context)  \
              apply(avcodec_parameters_from_context) apply(avcodec_send_packet)                  \
                  apply(avcodec_receive_frame) apply(avcodec_send_frame)                         \
                      apply(avcodec_receive_packet) apply(av_packet_alloc) apply(av_packet_free) \
                          apply(av_packet_unref) apply(av_packet_rescale_ts)                     \
                              apply(avcodec_parameters_copy) apply(avcodec_get_name)             \
                                  apply(avcodec_flush_buffers)
#define RF_LIBAVUTIL(apply)                                                                   \
  apply(av_frame_alloc) apply(av_frame_free) apply(av_frame_unref) apply(av_frame_get_buffer) \
      apply(av_frame_make_writable) apply(av_frame_get_side_data) apply(av_dict_set)          \
          apply(av_dict_free) apply(av_strerror) apply(av_log_set_level)                      \
              apply(av_get_pix_fmt_name) apply(av_pix_fmt_desc_get) apply(av_dict_get)
#define RF_LIBSWSCALE(apply)                                                               \
  apply(sws_getContext) apply(sws_freeContext) apply(sws_scale) apply(sws_getCoefficients) \
      apply(sws_setColorspaceDetails) apply(sws_isSupportedInput)

#define RF_DECLARE(name) decltype(&::name) name = nullptr;
  RF_LIBAVFORMAT(RF_DECLARE)
  RF_LIBAVCODEC(RF_DECLARE)
  RF_LIBAVUTIL(RF_DECLARE)
  RF_LIBSWSCALE(RF_DECLARE)
#undef RF_DECLARE

  /// What an error code says, "Invalid data found when processing input".
  std::string reason(int error) const;
};

/// How their owners give things back: std::unique_ptr<AVFrame, Release>.
struct Release {
  const Libav* av;
  void operator()(AVFrame* frame) const { av->av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av->av_packet_free(&packet); }
  void operator()(AVCodecContext* context) const { av->avcodec_free_context(&context); }
  void operator()(SwsContext* context) const { av->sws_freeContext(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Release>;

/// Takes over what a function of the libraries has made. Throws std::bad_alloc for null.
template <typename T>
Owned<T> owned(const Libav& av, T* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return Owned<T>(pointer, Release{&av});
}

}  // namespace retinaface::video
