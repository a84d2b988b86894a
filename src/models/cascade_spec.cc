#include "models/cascade_spec.h"

#include <algorithm>
#include <cmath>

namespace retinaface::models {

std::vector<CascadeLevel> cascade_levels(const CascadeSpec& cascade, int width, int height) {
  std::vector<CascadeLevel> levels;
  double scale = cascade.window_px / double{cascade.min_face_px};
  while (std::min(width, height) * scale >= cascade.window_px) {
    levels.push_back({.width = static_cast<int>(std::ceil(width * scale)),
                      .height = static_cast<int>(std::ceil(height * scale))});
    scale *= double{cascade.scale_step};
  }
  return levels;
}

}  // namespace retinaface::models
