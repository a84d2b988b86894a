#pragma once

#include <vector>

#include "retinaface/detector.h"

namespace retinaface::detection {

/// What a blurred image has to hide of the faces `found` in it, which is those of at least
/// options.min_size_px and, of a second pass at twice the size, those that a detector which looks
/// closer would find in the result: from `lowest_score` on, unless a face of at least
/// options.min_score is known around their center. The second pass is left out where the caller
/// chose scales or a number of faces, of which no others are hidden. Throws as Detector::detect.
std::vector<Face> faces_to_hide(const Detector& detector, const ImageView& image,
                                const DetectOptions& options, float lowest_score,
                                std::vector<Face> found);

}  // namespace retinaface::detection
