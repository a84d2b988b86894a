#pragma once

#include <vector>

#include "mesh/camera.h"
#include "mesh/decoder.h"
#include "mesh/head.h"
#include "mesh/vector.h"

namespace retinaface::mesh {

/// A face's vertices as the camera sees them, and their normals of unit length.
struct SeenFace {
  std::vector<Projected> projected;
  std::vector<Vector> normals;
};

/// What shape codes and camera of `parameters` stand for.
SeenFace seen_face(const Decoder& decoder, const Parameters& parameters);

}  // namespace retinaface::mesh
