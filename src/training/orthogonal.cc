#include "training/orthogonal.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "base/check.h"

namespace retinaface::training {

void orthogonalize(std::span<float> matrix, std::int64_t rows) {
  const auto size = static_cast<std::int64_t>(matrix.size());
  RF_CHECK(rows > 0 && size % rows == 0);
  const c10::NoGradGuard no_gradients;
  at::Tensor given = at::from_blob(matrix.data(), {rows, size / rows}, at::kFloat);
  const bool wide = rows <= size / rows;
  // The smaller side first, for the smaller product.
  at::Tensor x = wide ? given : given.t();
  x = x / (x.norm() + 1e-12);
  constexpr int kSteps = 5;
  for (int i = 0; i < kSteps; ++i) {
    const at::Tensor a = x.mm(x.t());
    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a.mm(a)).mm(x);
  }
  given.copy_(wide ? x : x.t());
}

}  // namespace retinaface::training
