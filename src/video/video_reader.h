#pragma once

#include "retinaface/video.h"

namespace retinaface::video {

// As the sources that work with videos know them.
using retinaface::FrameStamp;
using retinaface::VideoOptions;
using retinaface::VideoReader;

}  // namespace retinaface::video
