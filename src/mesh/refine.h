#pragma once

#include "retinaface/image.h"

#include "mesh/decoder.h"
#include "mesh/head.h"
#include "mesh/seen_face.h"

namespace retinaface::mesh {

/// Brings the colors of a face's mesh to what the image shows, its shape and camera held. With c
/// the image at some of the vertices that are seen, each averaged over a 64th of the frame, and s =
/// n . l the share that the head's light sheds on each:
///
///     min over a, d       | c - mean (a + d s) |^2              for each of red, green, blue
///     min over b          | c - (mean + sum b_k T_k) (a + d s) |^2 + lambda |b|^2
///
/// one after the other, `face` being the parameters' seen_face; both are linear. Changes the
/// texture codes and the colors of the light in `parameters`. Does nothing where fewer than 32
/// vertices are seen in the image.
void refine_colors(const Decoder& decoder, const ImageView& image, const Frame& frame,
                   const SeenFace& face, Parameters& parameters);

}  // namespace retinaface::mesh
