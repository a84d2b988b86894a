#include "detection/closer_look.h"

#include <algorithm>
#include <cmath>

#include "detection/anchors.h"
#include "geometry/box.h"

namespace retinaface::detection {
namespace {

constexpr float kSure = DetectOptions::kDefaultMinScore;  ///< a face of it needs no second look
constexpr float kSmall_px = 24;  ///< larger ones the picture's own size shows well
constexpr float kMargin_px = 8;  ///< of a look: what lies there lacks its surroundings

float side(const Face& face) {
  return std::max(face.box.width(), face.box.height());
}

bool is_inside(const Look& look, const Point& point) {
  const float x = point.x - static_cast<float>(look.x);
  const float y = point.y - static_cast<float>(look.y);
  constexpr float kFar = kLookSide_px - kMargin_px;
  return x >= kMargin_px && x < kFar && y >= kMargin_px && y < kFar;
}

}  // namespace

void find_suspects(const runtime::FeatureMap& cls, const models::AnchorLevel& level,
                   std::vector<Suspect>& suspects) {
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
  const float least = std::log(kLeastSuspicion / (1 - kLeastSuspicion));
  for (std::int64_t y = 0; y < cls.height; ++y) {
    for (std::int64_t x = 0; x < cls.width; ++x) {
      const float value = margin(y, x);
      if (!(value >= least) || !is_peak(y, x, value)) continue;
      const Anchor anchor = anchor_at(level, y, x, 0);
      suspects.push_back({1 / (1 + std::exp(-value)), anchor.center});
    }
  }
}

std::vector<Look> closer_looks(std::vector<Suspect> suspects, const std::vector<Face>& faces,
                               int width, int height, double budget_px) {
  if (width < kLookSide_px || height < kLookSide_px) return {};
  constexpr double kCost_px = double{kLookSide_px * kLookScale} * (kLookSide_px * kLookScale);
  const auto most = static_cast<std::size_t>(std::max(budget_px / kCost_px, 0.0));
  std::ranges::stable_sort(suspects, std::ranges::greater{}, &Suspect::score);
  std::vector<Look> looks;
  for (const Suspect& suspect : suspects) {
    if (looks.size() == most) break;
    const Point& center = suspect.center;
    const bool known = std::ranges::any_of(
        faces, [&](const Face& face) { return face.score >= kSure && contains(face.box, center); });
    if (known ||
        std::ranges::any_of(looks, [&](const Look& look) { return is_inside(look, center); })) {
      continue;
    }
    const auto start = [](float middle, int extent) {
      const auto first = static_cast<int>(std::floor(middle)) - kLookSide_px / 2;
      return std::clamp(first, 0, extent - kLookSide_px);
    };
    looks.push_back({start(center.x, width), start(center.y, height)});
  }
  return looks;
}

float suspicion_of(const Face& face, const std::vector<Suspect>& suspects) {
  const Point center = face.box.center();
  float best = kLeastSuspicion;
  for (const Suspect& suspect : suspects) {
    constexpr float kNear_px = 8;
    if (std::hypot(suspect.center.x - center.x, suspect.center.y - center.y) <= kNear_px) {
      best = std::max(best, suspect.score);
    }
  }
  return best;
}

float combined_score(float in_look, float suspicion) {
  const auto log_odds = [](float score) {
    constexpr float kLeast = 1e-6F;
    const float p = std::clamp(score, kLeast, 1 - kLeast);
    return std::log(p / (1 - p));
  };
  constexpr float kLookWeight = 2;
  const float mean = (kLookWeight * log_odds(in_look) + log_odds(suspicion)) / (kLookWeight + 1);
  return 1 / (1 + std::exp(-mean));
}

bool is_seen_by(const Look& look, const Face& face) {
  return side(face) < kSmall_px && is_inside(look, face.box.center());
}

}  // namespace retinaface::detection
