#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mesh/topology.h"

namespace retinaface::mesh {

/// The Laplacian of a mesh's edges, scaled for Chebyshev polynomials:
///
///     L = D - E,   L~ = 2 L / lambda_max - I
///
/// E is 1 where an edge joins two vertices, D the number of a vertex's edges, lambda_max the
/// largest eigenvalue of L, so that those of L~ are in [-1, 1] (Defferrard, Bresson and
/// Vandergheynst 2016). Symmetric; sparse, row by row.
class ScaledLaplacian {
 public:
  explicit ScaledLaplacian(const Level& level);

  std::size_t vertices() const { return first_.size() - 1; }
  float lambda_max() const { return lambda_max_; }

  /// out = L~ x; both (V, channels), row-major, not the same memory.
  void apply(std::span<const float> x, std::size_t channels, std::span<float> out) const;

 private:
  std::vector<std::uint32_t> first_;      // of each row among the entries, then their number
  std::vector<std::uint16_t> neighbour_;  // columns off the diagonal
  std::vector<float> diagonal_;
  float off_diagonal_ = 0;  // all of them are the same
  float lambda_max_ = 0;
};

}  // namespace retinaface::mesh
