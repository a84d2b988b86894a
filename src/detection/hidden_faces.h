#pragma once

#include <vector>

#include "retinaface/detector.h"

namespace retinaface::detection {

/// What a blurred image has to hide of the faces `found` in it, in the order in which blur_faces is
/// to hide it:
///   - those of at least options.min_size_px;
///   - of a second pass at twice the size those that a detector which looks closer would find, from
///     `lowest_score` on, unless a face of at least options.min_score is known around their center;
///   - what the detector, by both passes, finds in the result: hidden faces again, by larger boxes
///     with the scores of the faces, and others of at least options.min_score. That is repeated
///     until nothing is found, a few times at most.
/// The second pass is left out where the caller chose scales or a number of faces; of a number of
/// faces no others are hidden. Boxes are not clipped and have no mesh. Throws as Detector::detect.
std::vector<Face> faces_to_hide(const Detector& detector, const ImageView& image,
                                const DetectOptions& options, float lowest_score,
                                std::vector<Face> found);

}  // namespace retinaface::detection
