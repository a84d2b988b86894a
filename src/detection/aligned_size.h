#pragma once

#include <optional>

#include "retinaface/alignment.h"
#include "retinaface/geometry.h"
#include "retinaface/image.h"

#include "geometry/similarity.h"

namespace retinaface {
inline namespace internal {

/// Throws Error(kInvalidArgument) for a side outside kMinAlignedSide to kMaxAlignedSide; `name` is
/// what the caller's own users know it by.
void check_aligned_side(int side_px, const char* name = "side_px");

/// Where the five points of an aligned face of `side_px` lie: at kAlignedSide those of
/// kAlignedLandmarks; at any other side the same with a margin, an eighth of the side all around,
/// for what wants hair and chin in the image too.
Landmarks aligned_landmarks(int side_px);

/// Where in the image a place of the aligned face is, whose points come closest to `target`;
/// nothing for landmarks that no face can have: no numbers, or all in one place.
std::optional<Similarity> image_from_template(const Landmarks& landmarks, const Landmarks& target);

/// align_face (retinaface/alignment.h) to the template alone, without a margin whatever the side.
Image align_to_template(const ImageView& image, const Landmarks& landmarks, int side_px);

}  // namespace internal
}  // namespace retinaface
