#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "retinaface/face.h"
#include "retinaface/face_quality.h"
#include "retinaface/image.h"

namespace retinaface::python {

/// A numpy array of `shape` over what `owner` holds from `data` on; it keeps the owner.
template <typename T, typename Owner>
nanobind::object array_over(std::unique_ptr<Owner> owner, T* data,
                            std::initializer_list<std::size_t> shape) {
  const nanobind::capsule keeper(owner.get(),
                                 [](void* object) noexcept { delete static_cast<Owner*>(object); });
  owner.release();
  return nanobind::cast(nanobind::ndarray<nanobind::numpy, T>(data, shape, keeper));
}

template <typename T>
nanobind::object array_of(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  owner->reserve(1);  // an array needs an address, also without elements
  T* const data = owner->data();
  return array_over(std::move(owner), data, shape);
}

/// (height, width, 3), without a copy.
inline nanobind::object array_of(Image image) {
  auto owner = std::make_unique<Image>(std::move(image));
  std::uint8_t* const data = owner->row(0);
  const auto height = static_cast<std::size_t>(owner->height());
  const auto width = static_cast<std::size_t>(owner->width());
  return array_over(std::move(owner), data, {height, width, 3});
}

/// RGB becomes BGR, and back.
void exchange_red_and_blue(Image& image);

/// boxes (N, 4), scores (N,), landmarks (N, 5, 2), values (N, V), and of faces with meshes a tuple
/// of these: vertices (N, 1024, 3), colors (N, 1024, 3), pose (N, 3), landmarks_68 (N, 68, 2); else
/// None.
nanobind::tuple arrays_of(std::span<const Face> faces, bool with_meshes);

/// (score, sharpness, size, frontality, spread, pose), each (N,) but the last, which is (N, 3).
nanobind::tuple arrays_of(std::span<const FaceQuality> qualities);

using Floats = nanobind::ndarray<const float, nanobind::c_contig, nanobind::device::cpu>;
using Tracks = nanobind::ndarray<const std::int64_t, nanobind::c_contig, nanobind::device::cpu>;

/// Of `points` (N, 5, 2).
std::vector<Landmarks> landmarks_of(const Floats& points);

/// Of vertices and colors, both (N, 1024, 3). Throws Error(kInvalidArgument) for other shapes, and
/// for vertices that are no places near an image.
std::vector<FaceMesh> meshes_of(const Floats& vertices, const Floats& colors);

/// The inverse of the first three. Throws Error(kInvalidArgument) where they are not as many.
std::vector<Face> faces_of(const Floats& boxes, const Floats& scores, const Floats& landmarks);

}  // namespace retinaface::python
