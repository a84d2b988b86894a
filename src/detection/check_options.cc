#include "detection/check_options.h"

#include "base/check.h"
#include "detection/tiles.h"

namespace retinaface::detection {

void check_options(const DetectOptions& options, const OptionNames& names) {
  const auto in = [](float value, float low, float high) { return value >= low && value <= high; };
  if (!in(options.min_score, 0, 1)) {
    fail(ErrorCode::kInvalidArgument, "min_score: expected 0 to 1, found {}", options.min_score);
  }
  if (!in(options.nms_iou, 0, 1)) {
    fail(ErrorCode::kInvalidArgument, "nms_iou: expected 0 to 1, found {}", options.nms_iou);
  }
  for (const float scale : options.scales) {
    if (!(scale > 0 && scale <= 16)) {
      fail(ErrorCode::kInvalidArgument, "scales: expected over 0 and up to 16, found {}", scale);
    }
  }
  if (options.tile_px != 0 && options.tile_px < kMinTileSide) {
    fail(ErrorCode::kInvalidArgument, "{}: expected 0 or at least {}, found {}", names.tile_px,
         kMinTileSide, options.tile_px);
  }
  if (options.max_faces < 0) {
    fail(ErrorCode::kInvalidArgument, "max_faces: expected 0 or more, found {}", options.max_faces);
  }
  if (!(options.min_size_px >= 0)) {
    fail(ErrorCode::kInvalidArgument, "{}: expected 0 or more, found {}", names.min_size_px,
         options.min_size_px);
  }
}

}  // namespace retinaface::detection
