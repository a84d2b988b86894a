#include "detection/plausibility.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "geometry/box.h"

namespace retinaface::detection {
namespace {

constexpr float kMinJudgedSide_px = 40;  // of a square as large as the box

// The five points in their order.
constexpr std::size_t kLeftEye = 0, kRightEye = 1, kLeftMouth = 3, kRightMouth = 4;

/// Root of the mean squared distance of the points from their middle, in sides of the box.
float spread(const Face& face) {
  Point middle;
  const auto count = static_cast<float>(face.landmarks.size());
  for (const Point& point : face.landmarks) {
    middle = {middle.x + point.x / count, middle.y + point.y / count};
  }
  float sum = 0;
  for (const Point& point : face.landmarks) {
    const float x = point.x - middle.x;
    const float y = point.y - middle.y;
    sum += x * x + y * y;
  }
  return std::sqrt(sum / count / area(face.box));
}

/// The surer the network is, the wider a face's points may lie.
bool is_spread_out(const Face& face) {
  struct Limit {
    float spread;
    float score;  ///< from which on the limit does not hold
  };
  constexpr Limit kLimits[] = {{.spread = 0.31F, .score = 0.99F}, {.spread = 0.28F, .score = 0.8F}};
  const float found = spread(face);
  return std::ranges::any_of(kLimits, [&](const Limit& limit) {
    return found > limit.spread && face.score < limit.score;
  });
}

/// How far the eye and the corner of the mouth on one side of `face` are from an eye and a corner
/// of `other`, the farther of the two, px.
float distance_of_side(const Face& face, const Face& other, std::size_t eye, std::size_t mouth) {
  const auto distance = [&](std::size_t a, std::size_t b) {
    return std::hypot(face.landmarks[a].x - other.landmarks[b].x,
                      face.landmarks[a].y - other.landmarks[b].y);
  };
  return std::max(std::min(distance(eye, kLeftEye), distance(eye, kRightEye)),
                  std::min(distance(mouth, kLeftMouth), distance(mouth, kRightMouth)));
}

/// Whether the left points of `face` are those of one sure face among `faces`, its right ones those
/// of another.
bool is_made_of_two(const Face& face, const std::vector<Face>& faces) {
  constexpr float kSure = 0.9F;
  constexpr float kShared = 0.34F;  // distance, in sides of the box
  const float limit = kShared * std::sqrt(area(face.box));
  bool has_left_elsewhere = false;
  bool has_right_elsewhere = false;
  for (const Face& other : faces) {
    if (&other == &face || other.score < kSure) continue;
    const Box shared = intersection(face.box, other.box);
    if (!(shared.width() > 0 && shared.height() > 0)) continue;
    const float left = distance_of_side(face, other, kLeftEye, kLeftMouth);
    const float right = distance_of_side(face, other, kRightEye, kRightMouth);
    has_left_elsewhere |= left < std::min(limit, right);
    has_right_elsewhere |= right < std::min(limit, left);
  }
  return has_left_elsewhere && has_right_elsewhere;
}

bool is_same_face(const Face& face, const Face& better) {
  constexpr float kContained = 0.8F;  // of the smaller box
  constexpr float kClose = 0.5F;      // mean distance of points, in sides of the smaller box
  const float smaller = std::min(area(face.box), area(better.box));
  if (area(intersection(face.box, better.box)) < kContained * smaller) return false;
  float distance = 0;
  for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
    distance += std::hypot(face.landmarks[k].x - better.landmarks[k].x,
                           face.landmarks[k].y - better.landmarks[k].y);
  }
  return distance < kClose * std::sqrt(smaller) * static_cast<float>(face.landmarks.size());
}

}  // namespace

void drop_implausible(std::vector<Face>& faces) {
  std::vector<Face> kept;
  for (const Face& face : faces) {
    bool has_left_elsewhere = false;
    bool has_right_elsewhere = false;
    bool is_twice = false;
    const auto lies_on = [&](const Face& better, std::size_t eye, std::size_t mouth) {
      return contains(better.box, face.landmarks[eye]) &&
             contains(better.box, face.landmarks[mouth]);
    };
    const bool is_judged =
        face.score >= kMinJudgedScore && area(face.box) >= kMinJudgedSide_px * kMinJudgedSide_px;
    for (const Face& better : kept) {
      if (!is_judged) break;
      const Box shared = intersection(face.box, better.box);
      if (!(shared.width() > 0 && shared.height() > 0)) continue;
      const bool left = lies_on(better, kLeftEye, kLeftMouth);
      const bool right = lies_on(better, kRightEye, kRightMouth);
      has_left_elsewhere |= left && !right;
      has_right_elsewhere |= right && !left;
      is_twice |= is_same_face(face, better);
    }
    const bool is_between =
        (has_left_elsewhere && has_right_elsewhere) || (is_judged && is_made_of_two(face, faces));
    if (!is_judged || !(is_between || is_twice || is_spread_out(face))) kept.push_back(face);
  }
  faces = std::move(kept);
}

}  // namespace retinaface::detection
