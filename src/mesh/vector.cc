#include "mesh/vector.h"

namespace retinaface::mesh {

Rotation rotation_of(Vector v) {
  const float t2 = dot(v, v);
  const float t = std::sqrt(t2);
  // Their limits, where the quotients are not to be had.
  const float a = t > 1e-4F ? std::sin(t) / t : 1 - t2 / 6;
  const float b = t > 1e-4F ? (1 - std::cos(t)) / t2 : 0.5F - t2 / 24;
  return {{{1 - b * (v.y * v.y + v.z * v.z), b * v.x * v.y - a * v.z, b * v.x * v.z + a * v.y},
           {b * v.x * v.y + a * v.z, 1 - b * (v.x * v.x + v.z * v.z), b * v.y * v.z - a * v.x},
           {b * v.x * v.z - a * v.y, b * v.y * v.z + a * v.x, 1 - b * (v.x * v.x + v.y * v.y)}}};
}

}  // namespace retinaface::mesh
