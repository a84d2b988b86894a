#pragma once

#include "retinaface/geometry.h"
#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// Makes the face in the box unrecognisable, as blur_faces says. Parts outside the image are left
/// out.
void obscure_face(Image& image, const Box& face);

/// The box of the ellipse in which the face is hidden.
Box obscured_box(const Box& face);

}  // namespace internal
}  // namespace retinaface
