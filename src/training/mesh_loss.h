#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "retinaface/geometry.h"

#include "mesh/decoder.h"
#include "mesh/head.h"
#include "mesh/rasterizer.h"

namespace retinaface::training {

/// Side of the crops that rendered faces are compared with, px.
inline constexpr int kMeshCropSide = 64;

/// What is known of a face, in its frame (mesh::mesh_frame), whose side counts 1.
struct MeshTarget {
  /// What the image shows in the frame: kMeshCropSide^2 pixels, RGB.
  std::span<const std::uint8_t> crop;
  std::array<Point, 5> five;
  std::optional<std::array<Point, 68>> points = {};  ///< Multi-PIE's order
  /// All vertices, or none where they are not known: u, v and depth (-s Xz of mesh::Camera).
  std::span<const mesh::Vector> vertices = {};
};

struct MeshLossOptions {
  /// Of L_pixel. 0: nothing is rendered, which is quick.
  float pixel_weight = 1;
  /// Of L_pixel's derivatives by the shape and the camera, against those by texture and light.
  /// Geometry has to wait until the colors fit: before, it moves to where the wrong colors hurt
  /// least.
  float pixel_to_geometry = 0.3F;
  float five_weight = 4;
  float points_weight = 8;      ///< of the 51 inner points
  float outline_weight = 0.5F;  ///< of the 17 of the jaw, which labels have badly
  float vertex_weight = 0;      ///< of all vertices with depth
  float edge_weight = 0;        ///< of the triangles' sides
  float shape_prior = 1e-2F;
  float texture_prior = 2e-3F;
  float pose_prior = 1e-3F;

  friend bool operator==(const MeshLossOptions&, const MeshLossOptions&) = default;
};

struct MeshLossTerms {
  double total = 0;
  double pixel = 0;     ///< mean absolute difference of a covered pixel's channels, 0 to 1
  double five = 0;      ///< mean of |du| + |dv|, shares of the frame's side
  double points = 0;    ///< of the 51, the same
  double vertices = 0;  ///< mean of |du| + |dv| + |dw| of all vertices
  double edges = 0;     ///< mean difference of the lengths of the triangles' sides
  double prior = 0;

  MeshLossTerms& operator+=(const MeshLossTerms& other);
};

/// The loss of one face's parameters,
///
///     w_pixel L_pixel + w_five L1(five points) + w_points L1(51) + w_outline L1(17)
///         + w_vertex L_vert + w_edge L_edge + prior (|a|^2, |b|^2, |p, q|^2)
///
/// L_pixel = 1 / (3 n) sum |R(D(a, b), p, q) - I| over the n pixels that the rendered face covers
/// (the paper's, averaged over those alone: what lies outside has no gradient by the shape).
/// The last two of geometry are those of the paper's later version (CVPR 2020), V a vertex with its
/// depth, E the length of a side of one of M triangles:
///
///     L_vert = 1 / N sum |V_i - V*_i|_1     L_edge = 1 / (3 M) sum |E_i - E*_i|
///
/// Keeps memory for the next call; for one thread.
class MeshLoss {
 public:
  explicit MeshLoss(const mesh::Decoder& decoder);

  /// Adds the derivatives to `gradient`.
  MeshLossTerms operator()(const mesh::Parameters& parameters, const MeshTarget& target,
                           const MeshLossOptions& options,
                           std::span<float, mesh::kParameters> gradient);

  /// The 68 points of a face with these parameters, in the frame.
  std::array<Point, 68> points(const mesh::Parameters& parameters) const;

 private:
  double points_loss(const mesh::Parameters& parameters, const MeshTarget& target,
                     const MeshLossOptions& options, std::span<float, mesh::kParameters> gradient,
                     MeshLossTerms& terms);
  double vertex_loss(const mesh::Parameters& parameters, const MeshTarget& target,
                     const MeshLossOptions& options, std::span<float, mesh::kParameters> gradient,
                     MeshLossTerms& terms);
  double pixel_loss(const mesh::Parameters& parameters, const MeshTarget& target,
                    const MeshLossOptions& options, std::span<float, mesh::kParameters> gradient);

  const mesh::Decoder& decoder_;
  std::vector<float> point_mean_;        // (68, 3)
  std::vector<float> point_components_;  // (shape codes, 68, 3)
  mesh::Raster raster_;
  std::vector<mesh::Vector> vertices_;
  std::vector<mesh::Vector> albedo_;
};

}  // namespace retinaface::training
