#include "detection/decode.h"

#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/logistic.h"
#include "detection/anchors.h"
#include "detection/head_coding.h"

namespace retinaface::detection {
namespace {

/// Where one head's values of one anchor of a level lie: adjacent channels. Looked up once for all
/// cells.
class AnchorValues {
 public:
  AnchorValues(const runtime::FeatureMap& map, const models::Head& head, std::size_t anchor)
      : block_(map.block) {
    for (int i = 0; i < head.values; ++i) {
      channels_.push_back(map.channel(static_cast<std::int64_t>(anchor) * head.values + i));
    }
  }

  float at(std::size_t value, std::int64_t cell) const { return channels_[value][cell * block_]; }

  /// All values, into `buffer`, valid until that changes.
  std::span<const float> read(std::int64_t cell, std::vector<float>& buffer) const {
    buffer.resize(channels_.size());
    for (std::size_t i = 0; i < channels_.size(); ++i) buffer[i] = at(i, cell);
    return buffer;
  }

 private:
  std::int64_t block_;
  std::vector<const float*> channels_;
};

/// What a network gives for a level has one cell for each place, whatever the image; that of a
/// model file may not.
void check_grid(const runtime::FeatureMap& map, const runtime::FeatureMap& scores,
                const std::string& name) {
  if (map.height == scores.height && map.width == scores.width) return;
  fail(ErrorCode::kBadData, "expected '{}' of {}x{} cells, as the scores have, found {}x{}", name,
       scores.width, scores.height, map.width, map.height);
}

}  // namespace

ScoreMargins::ScoreMargins(const runtime::FeatureMap& map, const models::Head& head,
                           std::size_t anchor)
    : block_(map.block) {
  RF_CHECK(head.values == 1 || head.values == 2);
  const std::int64_t first = static_cast<std::int64_t>(anchor) * head.values;
  face_ = map.channel(first + head.values - 1);
  if (head.values == 2) no_face_ = map.channel(first);
}

void decode(std::span<const HeadMaps> levels, const models::AnchorFamily& family,
            std::span<const models::Head> heads, float min_score, std::vector<Face>& faces,
            const MeshFeatures* mesh) {
  RF_CHECK(levels.size() == family.levels.size());
  std::size_t first_kind = 0;  // of the level
  std::vector<std::size_t> score_heads;
  for (std::size_t h = 0; h < heads.size(); ++h) {
    if (heads[h].meaning == models::HeadMeaning::kScore) score_heads.push_back(h);
  }
  RF_CHECK(!score_heads.empty());
  // The exponential is computed only for anchors that may pass; the margin covers its rounding. A
  // mean that passes has one probability at least that does, and none below min_score to the power
  // of their number.
  const auto root = static_cast<float>(score_heads.size());
  const float min_margin = log_odds(std::pow(min_score, root)) - 1e-3F;
  std::vector<float> buffer;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const models::AnchorLevel& level = family.levels[l];
    const std::size_t anchors = level.sizes_px.size();
    RF_CHECK(levels[l].size() == heads.size());
    std::vector<std::vector<AnchorValues>> values(anchors);  // by anchor, by head
    std::vector<ScoreMargins> margins;                       // by anchor, by head of scores
    const runtime::FeatureMap& scores = levels[l][score_heads.front()];
    for (std::size_t h = 0; h < heads.size(); ++h) {
      check_grid(levels[l][h], scores, models::output_name(heads[h], l));
    }
    if (mesh != nullptr) check_grid(mesh->context.at(l), scores, "context");
    for (std::size_t anchor = 0; anchor < anchors; ++anchor) {
      for (std::size_t h = 0; h < heads.size(); ++h) {
        const runtime::FeatureMap& map = levels[l][h];
        RF_CHECK(map.channels == heads[h].values * static_cast<std::int64_t>(anchors));
        values[anchor].emplace_back(map, heads[h], anchor);
      }
      for (const std::size_t h : score_heads) margins.emplace_back(levels[l][h], heads[h], anchor);
    }
    // Cell by cell, since a cell's values lie together.
    for (std::int64_t cell = 0; cell < scores.cells(); ++cell) {
      for (std::size_t anchor = 0; anchor < anchors; ++anchor) {
        const std::span own(margins.data() + anchor * score_heads.size(), score_heads.size());
        const float margin = own.front().at(cell);
        if (!(margin >= min_margin)) continue;
        float score = sigmoid(margin);
        for (const ScoreMargins& other : own.subspan(1)) score *= sigmoid(other.at(cell));
        if (own.size() > 1) score = std::pow(score, 1 / root);
        if (!(score >= min_score)) continue;
        const Anchor place =
            coding_anchor(family, level, cell / scores.width, cell % scores.width, anchor);
        Face& face = faces.emplace_back();
        face.score = score;
        for (std::size_t h = 0; h < heads.size(); ++h) {
          if (heads[h].meaning == models::HeadMeaning::kScore) continue;
          decode_head(heads[h], place, values[anchor][h].read(cell, buffer), family, face);
        }
        if (mesh != nullptr) {
          const runtime::FeatureMap& context = mesh->context.at(l);
          for (std::int64_t c = 0; c < context.channels; ++c) {
            face.values.push_back(context.channel(c)[cell * context.block]);
          }
          face.values.push_back(static_cast<float>(first_kind + anchor));
        }
      }
    }
    first_kind += anchors;
  }
}

AnchorFeatures take_mesh_features(Face& face, std::size_t features) {
  RF_CHECK(face.values.size() > features);
  AnchorFeatures result;
  result.kind = static_cast<std::size_t>(face.values.back());
  const auto first = face.values.end() - static_cast<std::ptrdiff_t>(features) - 1;
  result.features.assign(first, face.values.end() - 1);
  face.values.erase(first, face.values.end());
  return result;
}

}  // namespace retinaface::detection
