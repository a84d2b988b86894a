#pragma once

#include <cstddef>
#include <opencv2/core.hpp>

#include "retinaface/image.h"

namespace retinaface {

/// The pixels of a picture as OpenCV sees them; valid as long as the picture is.
inline cv::Mat matrix_of(Image& image) {
  return {image.height(), image.width(), CV_8UC3, image.row(0),
          static_cast<std::size_t>(image.stride())};
}

}  // namespace retinaface
