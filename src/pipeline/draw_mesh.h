#pragma once

#include "retinaface/image.h"
#include "retinaface/mesh.h"

namespace retinaface::pipeline {

/// Draws the edges of a face's triangles that the viewer sees; of a small face those of a coarser
/// mesh. What lies outside the image is cut off.
void draw_wireframe(Image& image, const FaceMesh& mesh);

/// Draws the face over the image as the mesh has it: its colors, light included.
void draw_shaded(Image& image, const FaceMesh& mesh);

}  // namespace retinaface::pipeline
