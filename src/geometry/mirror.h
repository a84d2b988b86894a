#pragma once

#include <array>
#include <cstddef>

#include "retinaface/geometry.h"

namespace retinaface {
inline namespace internal {

/// The landmark that a mirror puts in the place of each: left ones and right ones change places.
inline constexpr std::array<std::size_t, 5> kMirrorCounterpart = {1, 0, 2, 4, 3};

/// The box as it is in the mirrored image, which is `width` pixels wide.
inline Box mirrored(const Box& box, float width) {
  return {width - box.x1, box.y0, width - box.x0, box.y1};
}

}  // namespace internal
}  // namespace retinaface
