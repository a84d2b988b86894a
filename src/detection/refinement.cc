#include "detection/refinement.h"

#include <algorithm>
#include <cmath>

#include "detection/anchors.h"
#include "geometry/box.h"

namespace retinaface::detection {
namespace {

constexpr float kSure = DetectOptions::kDefaultMinScore;  ///< a face of it needs no refinement
constexpr float kSmall_px = 24;  ///< larger ones the image's own size shows well
constexpr float kMargin_px = 8;  ///< of a crop: what lies there lacks its surroundings

float side(const Face& face) {
  return std::max(face.box.width(), face.box.height());
}

bool is_inside(const RefinementCrop& crop, const Point& point) {
  const float x = point.x - static_cast<float>(crop.x);
  const float y = point.y - static_cast<float>(crop.y);
  constexpr float kFar = kCropSide_px - kMargin_px;
  return x >= kMargin_px && x < kFar && y >= kMargin_px && y < kFar;
}

}  // namespace

void find_candidates(const runtime::FeatureMap& cls, const models::AnchorLevel& level,
                     std::vector<RefinementCandidate>& candidates) {
  const float* const no_face = cls.channel(0);
  const float* const face = cls.channel(1);
  const auto margin = [&](std::int64_t y, std::int64_t x) {
    const std::int64_t at = (y * cls.width + x) * cls.block;
    return face[at] - no_face[at];
  };
  const auto is_peak = [&](std::int64_t y, std::int64_t x, float value) {
    for (std::int64_t j = std::max<std::int64_t>(y - 1, 0); j < std::min(y + 2, cls.height); ++j) {
      for (std::int64_t i = std::max<std::int64_t>(x - 1, 0); i < std::min(x + 2, cls.width); ++i) {
        if (margin(j, i) > value) return false;
      }
    }
    return true;
  };
  const float minimum = std::log(kMinCandidateScore / (1 - kMinCandidateScore));
  for (std::int64_t y = 0; y < cls.height; ++y) {
    for (std::int64_t x = 0; x < cls.width; ++x) {
      const float value = margin(y, x);
      if (!(value >= minimum) || !is_peak(y, x, value)) continue;
      const Anchor anchor = anchor_at(level, y, x, 0);
      candidates.push_back({1 / (1 + std::exp(-value)), anchor.center});
    }
  }
}

std::vector<RefinementCrop> refinement_crops(std::vector<RefinementCandidate> candidates,
                                             const std::vector<Face>& faces, int width, int height,
                                             double budget_px) {
  if (width < kCropSide_px || height < kCropSide_px) return {};
  constexpr double kCost_px = double{kCropSide_px * kCropScale} * (kCropSide_px * kCropScale);
  const auto maximum = static_cast<std::size_t>(std::max(budget_px / kCost_px, 0.0));
  std::ranges::stable_sort(candidates, std::ranges::greater{}, &RefinementCandidate::score);
  std::vector<RefinementCrop> crops;
  for (const RefinementCandidate& candidate : candidates) {
    if (crops.size() == maximum) break;
    const Point& center = candidate.center;
    const bool known = std::ranges::any_of(
        faces, [&](const Face& face) { return face.score >= kSure && contains(face.box, center); });
    if (known || std::ranges::any_of(
                     crops, [&](const RefinementCrop& crop) { return is_inside(crop, center); })) {
      continue;
    }
    const auto start = [](float middle, int extent) {
      const auto first = static_cast<int>(std::floor(middle)) - kCropSide_px / 2;
      return std::clamp(first, 0, extent - kCropSide_px);
    };
    crops.push_back({start(center.x, width), start(center.y, height)});
  }
  return crops;
}

float candidate_score_of(const Face& face, const std::vector<RefinementCandidate>& candidates) {
  const Point center = face.box.center();
  float best = kMinCandidateScore;
  for (const RefinementCandidate& candidate : candidates) {
    constexpr float kNear_px = 8;
    if (std::hypot(candidate.center.x - center.x, candidate.center.y - center.y) <= kNear_px) {
      best = std::max(best, candidate.score);
    }
  }
  return best;
}

float combined_score(float in_crop, float candidate_score) {
  const auto log_odds = [](float score) {
    constexpr float kMin = 1e-6F;
    const float p = std::clamp(score, kMin, 1 - kMin);
    return std::log(p / (1 - p));
  };
  constexpr float kCropWeight = 2;
  const float mean =
      (kCropWeight * log_odds(in_crop) + log_odds(candidate_score)) / (kCropWeight + 1);
  return 1 / (1 + std::exp(-mean));
}

bool is_seen_by(const RefinementCrop& crop, const Face& face) {
  return side(face) < kSmall_px && is_inside(crop, face.box.center());
}

}  // namespace retinaface::detection
