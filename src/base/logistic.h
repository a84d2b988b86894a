#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>

namespace retinaface {
inline namespace internal {

/// The probability whose log odds are x, 1 / (1 + exp(-x)): 0 and 1 where exp(-x) is past the type.
template <std::floating_point T>
T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}

/// The other way, log(p / (1 - p)), of p from 0 (minus infinity) to 1 (infinity).
template <std::floating_point T>
T log_odds(T probability) {
  return std::log(probability / (1 - probability));
}

/// The same of the nearest probability from `bound` to 1 - bound: finite.
template <std::floating_point T>
T bounded_log_odds(T probability, T bound) {
  return log_odds(std::clamp(probability, bound, 1 - bound));
}

}  // namespace internal
}  // namespace retinaface
