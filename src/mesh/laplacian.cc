#include "mesh/laplacian.h"

#include <cmath>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace retinaface::mesh {
namespace {

/// The largest eigenvalue of L, by the power method; from below, by less than one in a thousand.
double largest_eigenvalue(const std::vector<std::uint32_t>& first,
                          const std::vector<std::uint16_t>& neighbour) {
  const std::size_t vertices = first.size() - 1;
  Random random(1);
  std::vector<double> x(vertices);
  for (double& value : x) value = random.normal();
  double largest = 0;
  for (int step = 0; step < 300; ++step) {
    std::vector<double> y(vertices);
    double squares = 0;
    for (std::size_t v = 0; v < vertices; ++v) {
      double sum = (first[v + 1] - first[v]) * x[v];
      for (std::uint32_t i = first[v]; i < first[v + 1]; ++i) sum -= x[neighbour[i]];
      y[v] = sum;
      squares += sum * sum;
    }
    largest = std::sqrt(squares);
    for (double& value : y) value /= largest;
    x = std::move(y);
  }
  return largest;
}

}  // namespace

ScaledLaplacian::ScaledLaplacian(const Level& level) {
  std::vector<std::set<std::uint16_t>> neighbours(level.vertices);
  for (const MeshTriangle& t : level.triangles) {
    for (std::size_t i = 0; i < 3; ++i) {
      neighbours[t[i]].insert(t[(i + 1) % 3]);
      neighbours[t[i]].insert(t[(i + 2) % 3]);
    }
  }
  first_.push_back(0);
  for (const auto& of_vertex : neighbours) {
    neighbour_.insert(neighbour_.end(), of_vertex.begin(), of_vertex.end());
    first_.push_back(static_cast<std::uint32_t>(neighbour_.size()));
  }
  lambda_max_ = static_cast<float>(largest_eigenvalue(first_, neighbour_) * 1.001);
  off_diagonal_ = -2 / lambda_max_;
  for (const auto& of_vertex : neighbours) {
    diagonal_.push_back(2 * static_cast<float>(of_vertex.size()) / lambda_max_ - 1);
  }
}

void ScaledLaplacian::apply(std::span<const float> x, std::size_t channels,
                            std::span<float> out) const {
  RF_CHECK(x.size() == vertices() * channels && out.size() == x.size());
  for (std::size_t v = 0; v < vertices(); ++v) {
    float* const row = out.data() + v * channels;
    const float* const own = x.data() + v * channels;
    for (std::size_t c = 0; c < channels; ++c) row[c] = diagonal_[v] * own[c];
    for (std::uint32_t i = first_[v]; i < first_[v + 1]; ++i) {
      const float* const other = x.data() + neighbour_[i] * channels;
      for (std::size_t c = 0; c < channels; ++c) row[c] += off_diagonal_ * other[c];
    }
  }
}

}  // namespace retinaface::mesh
