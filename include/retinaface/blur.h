#pragma once

#include <vector>

#include "retinaface/array_view.h"
#include "retinaface/detector.h"
#include "retinaface/export.h"
#include "retinaface/face.h"
#include "retinaface/image.h"

namespace retinaface {

/// Makes faces unrecognisable: in the ellipse around each box, 1.6 times as wide and as high, the
/// image is replaced by the means of two by two fields, of fewer where they would have less than
/// 12 px.
/// What was there cannot be had back from the result, and detectors hardly find it again
/// (blur_found_faces makes sure for one). Parts
/// outside the image are left out; a box without area, or that is not finite, hides nothing.
RETINAFACE_API void blur_faces(Image& image, ArrayView<Face> faces);

/// The same with all faces that the detector finds in the image, as `retinaface detect --blur`
/// does: it searches a second time, at twice the size, for what a detector would find in the result
/// that looks closer. Not where options.scales or options.max_faces say what to look for: then just
/// that is hidden. Then it looks at the result: what it finds again is hidden by larger boxes, and
/// what it finds only now as well (not with options.max_faces), until it finds nothing, at most
/// four times (reports/blur.md). Boxes are not clipped and have no mesh. Returns what was hidden in
/// that order, a face that was found again once more for each of its larger boxes. Throws as
/// Detector::detect, and then nothing is hidden.
RETINAFACE_API std::vector<Face> blur_found_faces(Image& image, const Detector& detector,
                                                  const DetectOptions& options = {});

}  // namespace retinaface
