#pragma once

#include "retinaface/geometry.h"

namespace retinaface {
inline namespace internal {

/// Whether they can be a face's: places within 1e9 px, and not all the same.
bool are_landmarks(const Landmarks& landmarks);

/// Throws Error(kInvalidArgument) where they cannot.
void check_landmarks(const Landmarks& landmarks);

}  // namespace internal
}  // namespace retinaface
