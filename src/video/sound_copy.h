#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "video/input_context.h"
#include "video/libav.h"

namespace retinaface::video {

/// The sound of a video file on its way into another one, packet by packet, without being decoded.
/// Times are seconds since the file's first image. Subtitles and data (cameras put places there)
/// are not copied.
class SoundCopy {
 public:
  /// Opens the file and adds a stream to `output` for each of its sound streams that `output` can
  /// hold. Throws Error, kUnreadable with the path where the file cannot be read.
  SoundCopy(const Libav& av, const std::string& path, AVFormatContext& output);

  bool empty() const { return streams_.empty(); }

  /// The codecs of the streams that the output's container cannot hold, "pcm_u8".
  const std::vector<std::string>& left_out() const { return left_out_; }

  /// Writes what begins before this time. Returns libavformat's error, or 0. Where the file cannot
  /// be read on, its sound ends.
  int write_until(double time_s);

 private:
  struct Stream {
    const AVStream* from;
    AVStream* to;
    double first_s;                 ///< what the file calls the time 0
    double next_s = 0;              ///< where the last packet ended
    std::int64_t last = INT64_MIN;  ///< time of the last packet that was written, in units of `to`
  };

  void add_stream(const AVStream& from, AVFormatContext& output, double first_s);
  Stream* stream_of(const AVPacket& packet);
  /// The packet's time; follows clocks that start anew.
  double time_s(Stream& stream, const AVPacket& packet) const;

  const Libav& av_;
  AVFormatContext& output_;
  InputContext input_;
  std::vector<Stream> streams_;
  std::vector<std::string> left_out_;
  Owned<AVPacket> packet_;
  bool has_packet_ = false;  ///< that was read and is still to be written
  bool at_end_ = false;
};

}  // namespace retinaface::video
