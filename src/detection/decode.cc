#include "detection/decode.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "detection/anchors.h"
#include "detection/box_coding.h"

namespace retinaface::detection {
namespace {

/// Where the values of one anchor of a level lie: `Count` adjacent channels. Looked up once for all
/// cells.
template <std::size_t Count>
class AnchorValues {
 public:
  AnchorValues(const runtime::FeatureMap& map, std::size_t anchor) : block_(map.block) {
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      channels_[i] = map.channel(static_cast<std::int64_t>(anchor * channels_.size() + i));
    }
  }

  std::array<float, Count> at(std::int64_t cell) const {
    std::array<float, Count> values;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = channels_[i][cell * block_];
    return values;
  }

 private:
  std::int64_t block_;
  std::array<const float*, Count> channels_{};
};

struct AnchorHeads {
  AnchorValues<2> logits;  // not a face, face
  AnchorValues<std::tuple_size_v<BoxOffsets>> box;
  AnchorValues<std::tuple_size_v<LandmarkOffsets>> landmarks;
};

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
    const std::size_t anchors = level.sizes_px.size();
    RF_CHECK(maps.cls.channels == static_cast<std::int64_t>(2 * anchors));
    std::vector<AnchorHeads> heads;
    for (std::size_t anchor = 0; anchor < anchors; ++anchor) {
      heads.push_back({{maps.cls, anchor}, {maps.box, anchor}, {maps.landmarks, anchor}});
    }
    // Cell by cell, since a cell's values lie together.
    for (std::int64_t cell = 0; cell < maps.cls.cells(); ++cell) {
      for (std::size_t anchor = 0; anchor < anchors; ++anchor) {
        const auto [no_face, face] = heads[anchor].logits.at(cell);
        const float margin = face - no_face;
        if (!(margin >= min_margin)) continue;
        const float score = 1 / (1 + std::exp(-margin));
        if (score < min_score) continue;
        const Anchor at = anchor_at(level, cell / maps.cls.width, cell % maps.cls.width, anchor);
        faces.push_back({score, decode_box(at, heads[anchor].box.at(cell), family),
                         decode_landmarks(at, heads[anchor].landmarks.at(cell), family)});
      }
    }
  }
}

}  // namespace retinaface::detection
