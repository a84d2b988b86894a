#include "geometry/check_landmarks.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace retinaface {
inline namespace internal {

bool are_landmarks(const Landmarks& landmarks) {
  constexpr float kFar = 1e9F;  // beyond, squares of floats have no place in a float
  const bool numbers = std::ranges::all_of(landmarks, [](const Point& p) {
    return std::abs(p.x) < kFar && std::abs(p.y) < kFar;  // not of what is no number
  });
  const bool apart =
      std::ranges::any_of(landmarks, [&](const Point& p) { return p != landmarks[0]; });
  return numbers && apart;
}

void check_landmarks(const Landmarks& landmarks) {
  if (!are_landmarks(landmarks)) {
    fail(ErrorCode::kInvalidArgument, "landmarks: expected five points of a face");
  }
}

}  // namespace internal
}  // namespace retinaface
