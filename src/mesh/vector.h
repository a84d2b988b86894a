#pragma once

#include <array>
#include <cmath>

namespace retinaface::mesh {

/// A place or a direction. In the mesh's own frame: x to the right as the viewer sees the face, y
/// up, z to the viewer, in eye distances.
struct Vector {
  float x = 0;
  float y = 0;
  float z = 0;
};

inline Vector operator+(Vector a, Vector b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vector operator-(Vector a, Vector b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vector operator*(float s, Vector a) {
  return {s * a.x, s * a.y, s * a.z};
}
inline Vector& operator+=(Vector& a, Vector b) {
  return a = a + b;
}
inline float dot(Vector a, Vector b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline Vector cross(Vector a, Vector b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(Vector a) {
  return std::sqrt(dot(a, a));
}

/// Rows of a 3x3 matrix.
using Rotation = std::array<Vector, 3>;

inline Vector operator*(const Rotation& r, Vector a) {
  return {dot(r[0], a), dot(r[1], a), dot(r[2], a)};
}
/// The transpose times a.
inline Vector transposed_times(const Rotation& r, Vector a) {
  return a.x * r[0] + a.y * r[1] + a.z * r[2];
}

/// The rotation about `v` by its length, radians (Rodrigues): I + sin t K + (1 - cos t) K^2, K the
/// cross product with the axis.
Rotation rotation_of(Vector v);

}  // namespace retinaface::mesh
