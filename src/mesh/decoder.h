#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "graph/weights.h"
#include "mesh/vector.h"

namespace retinaface::mesh {

/// Codes of the decoder: of shape (identity and expression) and of texture.
inline constexpr std::size_t kShapeCodes = 80;
inline constexpr std::size_t kTextureCodes = 48;
inline constexpr std::size_t kCodes = kShapeCodes + kTextureCodes;

/// From codes to a coloured mesh, linear: principal components (tools/mesh/decoder.py),
///
///     xyz = mean + sum of a_k S_k     rgb = mean + sum of b_k T_k
///
/// scaled so that the codes of faces have deviation 1. Shapes in eye distances, albedo in shares of
/// white, which is 1.
class Decoder {
 public:
  /// Of the tensors mesh.shape.mean (1024, 3), mesh.shape.components (80, 1024, 3) and the same of
  /// mesh.texture (48). Throws Error(kBadData), `source` first, for others.
  Decoder(const graph::Weights& weights, const std::string& source);

  /// The vertices of kShapeCodes codes.
  void shape(std::span<const float> codes, std::vector<Vector>& vertices) const;
  /// The albedos of kTextureCodes codes.
  void texture(std::span<const float> codes, std::vector<Vector>& albedo) const;

  /// The transposes: adds to the codes' gradients what those of all vertices give.
  void add_shape_gradient(std::span<const Vector> vertices, std::span<float> codes) const;
  void add_texture_gradient(std::span<const Vector> albedo, std::span<float> codes) const;

  /// One vertex alone, and its component k: what points of a face need.
  Vector vertex(std::span<const float> codes, std::size_t index) const;
  Vector component(std::size_t k, std::size_t index) const;
  /// The albedos of codes that are all 0.
  std::vector<Vector> mean_texture() const;
  /// A component of the texture at one vertex.
  Vector texture_component(std::size_t k, std::size_t index) const;

 private:
  struct Part {
    std::vector<float> mean;        // (V, 3)
    std::vector<float> components;  // (codes, V, 3)

    void decode(std::span<const float> codes, std::vector<Vector>& out) const;
  };
  static Part read(const graph::Weights& weights, const std::string& name, std::size_t codes,
                   const std::string& source);

  Part shape_;
  Part texture_;
};

}  // namespace retinaface::mesh
