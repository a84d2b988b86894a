#pragma once

#include <memory>
#include <string>

#include "video/libav.h"

namespace retinaface::video {

struct CloseInput {
  const Libav* av;
  void operator()(AVFormatContext* context) const { av->avformat_close_input(&context); }
};
using InputContext = std::unique_ptr<AVFormatContext, CloseInput>;

/// Opens a file as a video, in none of the containers that lead to other files or addresses. Takes
/// over `context`, which holds settings alone; returns libavformat's error, or 0 and the open
/// context in `opened`.
int open_file(const Libav& av, const std::string& path, AVFormatContext* context,
              InputContext& opened);

/// Whether a packet or frame that seems to be at this time has its time from another clock than the
/// ones before it, up to `last_s`: transport streams that are joined, or whose clock overflows,
/// start anew in between.
bool is_another_clock(double time_s, double last_s, bool may_jump_ahead);

/// Whether a container is one whose clock may start anew, ahead as well.
bool is_transport_stream(const AVFormatContext& context);

}  // namespace retinaface::video
