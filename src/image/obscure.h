#pragma once

#include "retinaface/geometry.h"
#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// Makes the face in the box unrecognisable: in the ellipse around it, and a little beyond, the
/// image is replaced by the means of three by three fields, of fewer where they would have less
/// than 12 px. What was there cannot be had back from the result. Parts outside the image are left
/// out.
void obscure_face(Image& image, const Box& face);

}  // namespace internal
}  // namespace retinaface
