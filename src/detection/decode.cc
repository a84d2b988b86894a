#include "detection/decode.h"

#include <cmath>
#include <limits>

#include "base/check.h"
#include "detection/anchors.h"
#include "detection/box_coding.h"

namespace retinaface::detection {
namespace {

/// The values of anchor number `anchor` of a cell: `Offsets`' size adjacent channels.
template <typename Offsets>
Offsets values_at(const runtime::FeatureMap& map, std::size_t anchor, std::int64_t cell) {
  Offsets values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] =
        map.channel(static_cast<std::int64_t>(anchor * values.size() + i))[cell * map.block];
  }
  return values;
}

/// The difference of logits (face minus not) that amounts to a probability.
float logit(float probability) {
  if (probability <= 0) return -std::numeric_limits<float>::infinity();
  if (probability >= 1) return std::numeric_limits<float>::infinity();
  return std::log(probability / (1 - probability));
}

}  // namespace

void decode(std::span<const HeadMaps> levels, const models::AnchorFamily& family, float min_score,
            std::vector<Face>& faces) {
  RF_CHECK(levels.size() == family.levels.size());
  // The exponential is computed only for anchors that may pass; the margin covers its rounding.
  const float min_margin = logit(min_score) - 1e-3F;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const HeadMaps& maps = levels[l];
    const models::AnchorLevel& level = family.levels[l];
    RF_CHECK(maps.cls.channels == static_cast<std::int64_t>(2 * level.sizes_px.size()));
    for (std::size_t anchor = 0; anchor < level.sizes_px.size(); ++anchor) {
      const float* const no_face = maps.cls.channel(static_cast<std::int64_t>(2 * anchor));
      const float* const face = maps.cls.channel(static_cast<std::int64_t>(2 * anchor + 1));
      for (std::int64_t cell = 0; cell < maps.cls.cells(); ++cell) {
        const float margin = face[cell * maps.cls.block] - no_face[cell * maps.cls.block];
        if (!(margin >= min_margin)) continue;
        const float score = 1 / (1 + std::exp(-margin));
        if (score < min_score) continue;
        const Anchor at = anchor_at(level, cell / maps.cls.width, cell % maps.cls.width, anchor);
        faces.push_back(
            {score, decode_box(at, values_at<BoxOffsets>(maps.box, anchor, cell), family),
             decode_landmarks(at, values_at<LandmarkOffsets>(maps.landmarks, anchor, cell),
                              family)});
      }
    }
  }
}

}  // namespace retinaface::detection
