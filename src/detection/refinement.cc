#include "detection/refinement.h"

#include <algorithm>
#include <cmath>

#include "base/logistic.h"
#include "detection/anchors.h"
#include "detection/decode.h"
#include "geometry/box.h"

namespace retinaface::detection {
namespace {

float side(const Face& face) {
  return std::max(face.box.width(), face.box.height());
}

bool is_inside(const models::SearchPolicy& policy, const RefinementCrop& crop, const Point& point) {
  const float x = point.x - static_cast<float>(crop.x);
  const float y = point.y - static_cast<float>(crop.y);
  const float near = policy.crop_margin_px;
  const float far = static_cast<float>(policy.crop_side_px) - near;
  return x >= near && x < far && y >= near && y < far;
}

/// Whether a sure face covers it.
bool is_known(const models::SearchPolicy& policy, const RefinementCandidate& candidate,
              const std::vector<Face>& faces) {
  return std::ranges::any_of(faces, [&](const Face& face) {
    return face.score >= policy.sure_score && contains(face.box, candidate.center);
  });
}

}  // namespace

bool has_unknown(const models::SearchPolicy& policy,
                 const std::vector<RefinementCandidate>& candidates, const std::vector<Face>& faces,
                 float min_score) {
  return std::ranges::any_of(candidates, [&](const RefinementCandidate& candidate) {
    return candidate.score >= min_score && !is_known(policy, candidate, faces);
  });
}

void find_candidates(const models::SearchPolicy& policy, const runtime::FeatureMap& cls,
                     const models::Head& head, const models::AnchorLevel& level,
                     std::vector<RefinementCandidate>& candidates) {
  const ScoreMargins margins(cls, head, 0);
  const auto margin = [&](std::int64_t y, std::int64_t x) { return margins.at(y * cls.width + x); };
  const auto is_peak = [&](std::int64_t y, std::int64_t x, float value) {
    for (std::int64_t j = std::max<std::int64_t>(y - 1, 0); j < std::min(y + 2, cls.height); ++j) {
      for (std::int64_t i = std::max<std::int64_t>(x - 1, 0); i < std::min(x + 2, cls.width); ++i) {
        if (margin(j, i) > value) return false;
      }
    }
    return true;
  };
  const float minimum = log_odds(policy.min_candidate_score);
  for (std::int64_t y = 0; y < cls.height; ++y) {
    for (std::int64_t x = 0; x < cls.width; ++x) {
      const float value = margin(y, x);
      if (!(value >= minimum) || !is_peak(y, x, value)) continue;
      const Anchor anchor = anchor_at(level, y, x, 0);
      candidates.push_back({sigmoid(value), anchor.center});
    }
  }
}

std::vector<RefinementCrop> refinement_crops(const models::SearchPolicy& policy,
                                             std::vector<RefinementCandidate> candidates,
                                             const std::vector<Face>& faces, int width, int height,
                                             double budget_px) {
  const int side_px = policy.crop_side_px;
  if (width < side_px || height < side_px) return {};
  const double cost_px = std::pow(static_cast<double>(side_px) * policy.crop_scale, 2);
  const auto maximum = static_cast<std::size_t>(std::max(budget_px / cost_px, 0.0));
  std::ranges::stable_sort(candidates, std::ranges::greater{}, &RefinementCandidate::score);
  std::vector<RefinementCrop> crops;
  for (const RefinementCandidate& candidate : candidates) {
    if (crops.size() == maximum) break;
    const Point& center = candidate.center;
    if (is_known(policy, candidate, faces) ||
        std::ranges::any_of(
            crops, [&](const RefinementCrop& crop) { return is_inside(policy, crop, center); })) {
      continue;
    }
    const auto start = [&](float middle, int extent) {
      const auto first = static_cast<int>(std::floor(middle)) - side_px / 2;
      return std::clamp(first, 0, extent - side_px);
    };
    crops.push_back({start(center.x, width), start(center.y, height)});
  }
  return crops;
}

float candidate_score_of(const models::SearchPolicy& policy, const Face& face,
                         const std::vector<RefinementCandidate>& candidates) {
  const Point center = face.box.center();
  float best = policy.min_candidate_score;
  for (const RefinementCandidate& candidate : candidates) {
    if (std::hypot(candidate.center.x - center.x, candidate.center.y - center.y) <=
        policy.same_face_px) {
      best = std::max(best, candidate.score);
    }
  }
  return best;
}

float combined_score(const models::SearchPolicy& policy, float in_crop, float candidate_score) {
  constexpr float kBound = 1e-6F;
  return sigmoid((policy.crop_weight * bounded_log_odds(in_crop, kBound) +
                  bounded_log_odds(candidate_score, kBound)) /
                 (policy.crop_weight + 1));
}

bool is_seen_by(const models::SearchPolicy& policy, const RefinementCrop& crop, const Face& face) {
  return side(face) < policy.max_refined_px && is_inside(policy, crop, face.box.center());
}

}  // namespace retinaface::detection
