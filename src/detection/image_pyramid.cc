#include "detection/image_pyramid.h"

#include <algorithm>

#include "geometry/box.h"

namespace retinaface::detection {

// Measured on a portrait enlarged step by step (tests/any_size_test.cc): faces up to about 480 px
// come out as one; of larger ones, parts are found as well.
namespace {

constexpr float kMinPx = 40;   ///< in a level's own frame; smaller ones a finer level finds better
constexpr float kMaxPx = 448;  ///< larger ones a coarser level finds better
constexpr float kOnePassSide = 640;  ///< up to here a face is seen whole at the image's own size
constexpr float kCoarseSide = 512;   ///< of the coarsest level
constexpr float kCheap = 0.2F;       ///< a level at this scale costs a twenty-fifth of one at 1
constexpr float kStep = 8;  ///< between the scales of pyramid, so that their ranges overlap

}  // namespace

std::vector<PyramidLevel> image_pyramid(int width, int height) {
  const auto longer = static_cast<float>(std::max(width, height));
  if (longer <= kOnePassSide) return {{}};
  const float coarsest = std::min(kCoarseSide / longer, kCheap);
  std::vector<PyramidLevel> pyramid = {{.scale = 1, .max_px = kMaxPx}};
  float scale = 1;
  while (scale > coarsest) {
    scale = std::max(scale / kStep, coarsest);
    pyramid.push_back({scale, kMinPx / scale, kMaxPx / scale});
  }
  pyramid.back().max_px = std::numeric_limits<float>::infinity();
  std::ranges::reverse(pyramid);
  return pyramid;
}

void drop_parts(std::vector<Face>& faces, const std::vector<Face>& larger) {
  // What pyramid for a part is itself large. Small faces may well be beside a head.
  constexpr float kLarge = 128;        // px
  constexpr float kHeadByFace = 1.6F;  // a head's sides, hair and all, in those of its face
  const auto is_part = [](const Face& face, const Face& whole) {
    if (whole.score < face.score || area(whole.box) <= area(face.box)) return false;
    const bool large = std::max(face.box.width(), face.box.height()) >= kLarge;
    const float reach = large ? kHeadByFace : 1;
    const Point center = face.box.center();
    const Point middle = whole.box.center();
    const float x = 2 * (center.x - middle.x) / whole.box.width();
    const float y = 2 * (center.y - middle.y) / whole.box.height();
    return x * x + y * y < reach * reach;
  };
  std::erase_if(faces, [&](const Face& face) {
    return std::ranges::any_of(larger, [&](const Face& whole) { return is_part(face, whole); });
  });
}

}  // namespace retinaface::detection
