#pragma once

#include "retinaface/export.h"
#include "retinaface/geometry.h"
#include "retinaface/image.h"

namespace retinaface {

/// Sides of an aligned face, in pixels, as recognisers take it.
inline constexpr int kAlignedSide = 112;

/// Where the five points of an aligned face of kAlignedSide lie (the template of ArcFace, Deng et
/// al. 2019).
inline constexpr Landmarks kAlignedLandmarks = {{{38.2946F, 51.6963F},
                                                 {73.5318F, 51.5014F},
                                                 {56.0252F, 71.7366F},
                                                 {41.5493F, 92.3655F},
                                                 {70.7299F, 92.2041F}}};

/// The face turned, scaled and moved so that its points come closest to the template's (least
/// squares over similarities, Umeyama 1991): kAlignedSide x kAlignedSide pixels, black where the
/// image ends. `landmarks` are in pixels of `image`. Throws Error: kInvalidArgument for an empty
/// image, one whose stride is shorter than a row, or points that are no numbers or all in one
/// place; kTooLarge for one with a side over kMaxImageSide.
RETINAFACE_API Image align_face(const ImageView& image, const Landmarks& landmarks);
inline Image align_face(const Image& image, const Landmarks& landmarks) {
  return align_face(image.view(), landmarks);
}

/// Sides that an aligned face may have, in pixels.
inline constexpr int kMinAlignedSide = 32;
inline constexpr int kMaxAlignedSide = 2048;

/// The same to side_px x side_px pixels. At kAlignedSide the points come to kAlignedLandmarks; at
/// any other side to the same with a margin, an eighth of the side all around, for what wants hair
/// and chin in the image too. Throws Error as above, and kInvalidArgument for a side outside the
/// range.
RETINAFACE_API Image align_face(const ImageView& image, const Landmarks& landmarks, int side_px);
inline Image align_face(const Image& image, const Landmarks& landmarks, int side_px) {
  return align_face(image.view(), landmarks, side_px);
}

}  // namespace retinaface
