#pragma once

#include <algorithm>

#include "retinaface/face.h"

namespace retinaface::detection {

/// Whether a face is as large as DetectOptions::min_size_px asks for.
inline bool is_large_enough(const Face& face, float min_size_px) {
  return std::min(face.box.width(), face.box.height()) >= min_size_px;
}

}  // namespace retinaface::detection
