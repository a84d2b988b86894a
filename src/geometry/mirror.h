#pragma once

#include <array>
#include <cstddef>

namespace retinaface {

/// The landmark that a mirror puts in the place of each: left ones and right ones change places.
inline constexpr std::array<std::size_t, 5> kMirrorCounterpart = {1, 0, 2, 4, 3};

}  // namespace retinaface
