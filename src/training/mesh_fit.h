#pragma once

#include <array>
#include <vector>

#include "retinaface/geometry.h"

#include "mesh/decoder.h"
#include "mesh/vector.h"

namespace retinaface::training {

/// All vertices (u, v and depth -s Xz of mesh::Camera) of the face whose 68 points come closest to
/// `points`, in a frame whose side counts 1, by Gauss and Newton's steps on the shape's codes and
/// the camera, its distance held:
///
///     min over a, p   sum w_i |(u, v)_i - points_i|^2 / s^2 + 2e-3 |a|^2
///
/// with w_i = 0.1 for the outline, which labels have badly, else 1, and s the size of an eye
/// distance. None where its 51 inner points stay further than 5 % of an eye distance off in the
/// mean: there the labels are no face's.
std::vector<mesh::Vector> fit_points(const mesh::Decoder& decoder,
                                     const std::array<Point, 68>& points);

}  // namespace retinaface::training
