#include "mesh/solve.h"

#include <cmath>
#include <cstddef>

#include "base/check.h"
#include "mesh/rows.h"

namespace retinaface::mesh {

// Row by row: what is subtracted of a row's entry is the product of two rows' beginnings.
void solve(std::span<float> a, std::span<float> b) {
  const std::size_t n = b.size();
  RF_CHECK(a.size() == n * n);
  const auto row = [&](std::size_t i, std::size_t size) { return a.subspan(i * n, size); };
  const auto product = [&](std::span<const float> x, std::span<const float> y) {
    float sum = 0;
    add_products(x, y, {&sum, 1});
    return sum;
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      a[i * n + j] = (a[i * n + j] - product(row(i, j), row(j, j))) / a[j * n + j];
    }
    a[i * n + i] = std::sqrt(a[i * n + i] - product(row(i, i), row(i, i)));
    b[i] = (b[i] - product(row(i, i), b.first(i))) / a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    b[i] /= a[i * n + i];
    for (std::size_t k = 0; k < i; ++k) b[k] -= a[i * n + k] * b[i];
  }
}

}  // namespace retinaface::mesh
