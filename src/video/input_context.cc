#include "video/input_context.h"

#include <array>
#include <cstring>
#include <fstream>
#include <span>

#include "video/video_kind.h"

namespace retinaface::video {
namespace {

/// The containers that a file may be: none that leads to other files or addresses (HLS, concat,
/// SDP, image sequences), and none that is no video (text, subtitles).
constexpr const char* kContainers =
    "mov,mp4,matroska,webm,avi,flv,mpeg,mpegts,mpegvideo,m4v,h264,hevc,ivf,ogg,asf,yuv4mpegpipe,"
    "mxf,mjpeg,nut";

}  // namespace

int open_file(const Libav& av, const std::string& path, AVFormatContext* context,
              InputContext& opened) {
  AVDictionary* settings = nullptr;
  av.av_dict_set(&settings, "protocol_whitelist", "file", 0);
  av.av_dict_set(&settings, "format_whitelist", kContainers, 0);
  // libavformat takes a row of JPEG images for a single one.
  std::array<char, 3> mark{};
  std::ifstream(path, std::ios::binary).read(mark.data(), mark.size());
  const AVInputFormat* const format = is_motion_jpeg(path, std::as_bytes(std::span(mark)))
                                          ? av.av_find_input_format("mjpeg")
                                          : nullptr;
  // Frees the context when it fails.
  const int result = av.avformat_open_input(&context, ("file:" + path).c_str(), format, &settings);
  av.av_dict_free(&settings);
  if (result >= 0) opened.reset(context);
  return result;
}

bool is_another_clock(double time_s, double last_s, bool may_jump_ahead) {
  constexpr double kMaxStepBack_s = 0.1;
  constexpr double kMaxPause_s = 10;
  return time_s < last_s - kMaxStepBack_s || (may_jump_ahead && time_s > last_s + kMaxPause_s);
}

bool is_transport_stream(const AVFormatContext& context) {
  return std::strcmp(context.iformat->name, "mpegts") == 0;
}

}  // namespace retinaface::video
