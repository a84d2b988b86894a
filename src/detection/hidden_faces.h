#pragma once

#include <vector>

#include "retinaface/detector.h"

namespace retinaface::detection {

// The second pass, at twice the size, is left out where the caller chose scales or a number of
// faces; of a number of faces no others are hidden. Boxes are not clipped and have no mesh. All
// throw as Detector::detect.

/// What has to be hidden of the faces `found` in an image:
///   - those of at least options.min_size_px;
///   - of a second pass those that a detector which looks closer would find, from `lowest_score`
///   on,
///     unless a face of at least options.min_score is known around their center.
std::vector<Face> seen_to_hide(const Detector& detector, const ImageView& image,
                               const DetectOptions& options, float lowest_score,
                               std::vector<Face> found);

/// Hides the faces in the image as blur_faces does, and what the detector, by both passes, finds in
/// the result: hidden faces again, by larger boxes with the scores of the faces, and others of at
/// least `other_score`. That is repeated until nothing is found, a few times at most. Returns all
/// that it hid, in that order.
std::vector<Face> hide_faces(const Detector& detector, Image& image, const DetectOptions& options,
                             float other_score, std::vector<Face> hidden);

/// What a blurred image has to hide of the faces `found` in it, in the order in which blur_faces is
/// to hide it: what hide_faces hides of seen_to_hide, of others those of at least
/// options.min_score.
std::vector<Face> faces_to_hide(const Detector& detector, const ImageView& image,
                                const DetectOptions& options, float lowest_score,
                                std::vector<Face> found);

}  // namespace retinaface::detection
