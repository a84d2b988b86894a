#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "retinaface/face.h"

#include "graph/weights.h"
#include "mesh/camera.h"
#include "mesh/decoder.h"
#include "mesh/light.h"

namespace retinaface::mesh {

/// What the head says of a face: 128 + 7 + 9 values.
struct Parameters {
  std::array<float, kShapeCodes> shape{};
  std::array<float, kTextureCodes> texture{};
  CameraValues camera{};
  LightValues light{};
};
inline constexpr std::size_t kParameters = kCodes + kCameraValues + kLightValues;
static_assert(sizeof(Parameters) == kParameters * sizeof(float));

inline std::span<float, kParameters> values_of(Parameters& parameters) {
  return std::span<float, kParameters>(parameters.shape.data(), kParameters);
}

/// The square of the image that the head's values are about: 1.25 times the longer side of the
/// face's box, around its centre.
struct Frame {
  float x0 = 0;
  float y0 = 0;
  float side = 0;
};
Frame mesh_frame(const Box& box);

/// Values that the head reads of a face beside the context features: its five points in the frame,
/// and the logarithm of its box's width over its height.
inline constexpr std::size_t kFaceValues = 11;
std::array<float, kFaceValues> face_values(const Face& face);

/// The head of the mesh branch. Of each kind of anchor k (level and size) a 1x1 convolution of its
/// own on the context features f at the anchor's cell and the face's values g, then one for all:
///
///     h = leaky(W_k [f, g] + b_k),   values = bounded(W h + b),   leaky(x) = max(x, 0.1 x)
///
/// It is only evaluated for the faces that stay.
class MeshHead {
 public:
  static constexpr std::size_t kHidden = 128;
  static constexpr float kSlope = 0.1F;
  /// No value is further from 0: faces are within 4 or so, and features that an anchor of a rare
  /// kind has never had in training say anything.
  static constexpr float kMaxValue = 8;

  /// Of the tensors mesh.head.first.weight (kinds, 128, features + 11), mesh.head.first.bias
  /// (kinds, 128), mesh.head.second.weight (144, 128) and mesh.head.second.bias (144). Throws
  /// Error(kBadData), `source` first, for others.
  MeshHead(const graph::Weights& weights, std::size_t kinds, std::size_t features,
           const std::string& source);

  std::size_t features() const { return features_; }
  std::size_t kinds() const { return kinds_; }

  Parameters evaluate(std::size_t kind, std::span<const float> features, const Face& face) const;

 private:
  std::size_t kinds_;
  std::size_t features_;
  std::vector<float> first_weight_;
  std::vector<float> first_bias_;
  std::vector<float> second_weight_;
  std::vector<float> second_bias_;
};

}  // namespace retinaface::mesh
