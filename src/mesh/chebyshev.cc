#include "mesh/chebyshev.h"

#include "base/check.h"

namespace retinaface::mesh {

std::vector<float> chebyshev_terms(const ScaledLaplacian& laplacian, std::span<const float> x,
                                   std::size_t channels, std::size_t order) {
  const std::size_t size = laplacian.vertices() * channels;
  RF_CHECK(x.size() == size && order >= 1);
  std::vector<float> terms(order * size);
  const auto term = [&](std::size_t k) { return std::span(terms).subspan(k * size, size); };
  std::copy(x.begin(), x.end(), terms.begin());
  for (std::size_t k = 1; k < order; ++k) {
    laplacian.apply(term(k - 1), channels, term(k));
    if (k == 1) continue;
    for (std::size_t i = 0; i < size; ++i) term(k)[i] = 2 * term(k)[i] - term(k - 2)[i];
  }
  return terms;
}

std::vector<float> chebyshev_convolution(const ScaledLaplacian& laplacian, std::span<const float> x,
                                         std::size_t inputs, std::span<const float> theta,
                                         std::size_t outputs, std::size_t order) {
  RF_CHECK(theta.size() == order * inputs * outputs);
  const std::vector<float> terms = chebyshev_terms(laplacian, x, inputs, order);
  std::vector<float> y(laplacian.vertices() * outputs);
  for (std::size_t k = 0; k < order; ++k) {
    for (std::size_t v = 0; v < laplacian.vertices(); ++v) {
      const float* const from = terms.data() + (k * laplacian.vertices() + v) * inputs;
      float* const to = y.data() + v * outputs;
      for (std::size_t i = 0; i < inputs; ++i) {
        const float* const row = theta.data() + (k * inputs + i) * outputs;
        for (std::size_t o = 0; o < outputs; ++o) to[o] += from[i] * row[o];
      }
    }
  }
  return y;
}

std::vector<float> upsample(std::span<const UpsampledVertex> rows, std::span<const float> x,
                            std::size_t channels) {
  std::vector<float> y(rows.size() * channels);
  for (std::size_t v = 0; v < rows.size(); ++v) {
    for (std::size_t i = 0; i < 3; ++i) {
      RF_CHECK((rows[v].vertices[i] + std::size_t{1}) * channels <= x.size());
      const float* const from = x.data() + rows[v].vertices[i] * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        y[v * channels + c] += rows[v].weights[i] * from[c];
      }
    }
  }
  return y;
}

}  // namespace retinaface::mesh
