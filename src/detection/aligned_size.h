#pragma once

#include <optional>

#include "retinaface/geometry.h"
#include "retinaface/image.h"

#include "geometry/similarity.h"

namespace retinaface {
inline namespace internal {

/// Sides that an aligned face may have.
inline constexpr int kMinAlignedSide = 32;
inline constexpr int kMaxAlignedSide = 2048;

/// Throws Error(kInvalidArgument) for a side outside that range.
void check_aligned_side(int side_px);

/// Where the five points of an aligned face of `side_px` lie: at kAlignedSide those of
/// kAlignedLandmarks; at any other side the same with a margin, an eighth of the side all around,
/// for what wants hair and chin in the image too.
Landmarks aligned_landmarks(int side_px);

/// Where in the image a place of the aligned face is, whose points come closest to `target`;
/// nothing for landmarks that no face can have: no numbers, or all in one place.
std::optional<Similarity> image_from_template(const Landmarks& landmarks, const Landmarks& target);

/// align_face (retinaface/alignment.h) to side_px x side_px pixels. Throws Error(kInvalidArgument)
/// for a side outside the range above, too.
Image align_face(const ImageView& image, const Landmarks& landmarks, int side_px);

/// The same to the template alone, without a margin whatever the side.
Image align_to_template(const ImageView& image, const Landmarks& landmarks, int side_px);

}  // namespace internal
}  // namespace retinaface
