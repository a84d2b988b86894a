#pragma once

#include "retinaface/array_view.h"
#include "retinaface/export.h"
#include "retinaface/face.h"
#include "retinaface/image.h"

namespace retinaface {

/// Makes faces unrecognisable: in the ellipse around each box, 1.6 times as wide and as high, the
/// image is replaced by the means of two by two fields, of fewer where they would have less than
/// 12 px.
/// What was there cannot be had back from the result, and detectors hardly find it again. Parts
/// outside the image are left out; a box without area, or that is not finite, hides nothing.
RETINAFACE_API void blur_faces(Image& image, ArrayView<Face> faces);

}  // namespace retinaface
