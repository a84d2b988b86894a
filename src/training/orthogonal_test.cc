#include "training/orthogonal.h"

#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace retinaface::training {
namespace {

/// `matrix` made orthogonal.
at::Tensor orthogonal(const at::Tensor& matrix) {
  at::Tensor copy = matrix.clone();
  orthogonalize({copy.data_ptr<float>(), static_cast<std::size_t>(copy.numel())}, copy.size(0));
  return copy;
}

/// A matrix of these singular values, its directions by chance.
at::Tensor matrix_of(std::int64_t rows, std::int64_t columns, const at::Tensor& values) {
  const auto [u, ignored_s, v] = at::svd(at::randn({rows, columns}));
  return u.mm(at::diag(values)).mm(v.t()).contiguous();
}

TEST(Orthogonalize, BringsSingularValuesNearOneAndKeepsTheirDirections) {
  at::manual_seed(5);
  for (const auto& [rows, columns] : {std::pair{16, 144}, {96, 24}, {32, 32}}) {
    const int minimum = std::min(rows, columns);
    const at::Tensor values = at::logspace(1, -1.5, minimum);  // 10 to 0.03
    const at::Tensor given = matrix_of(rows, columns, values);
    const at::Tensor made = orthogonal(given);
    const auto [u, s, v] = at::svd(given);
    const at::Tensor along = u.t().mm(made).mm(v);
    EXPECT_GT(along.diag().min().item<float>(), 0.6F) << rows << "x" << columns;
    EXPECT_LT(along.diag().max().item<float>(), 1.25F) << rows << "x" << columns;
    const at::Tensor across = along - at::diag(along.diag());
    EXPECT_LT(across.abs().max().item<float>(), 1e-3F) << rows << "x" << columns;
    EXPECT_NEAR(made.norm().item<float>(), along.norm().item<float>(), 1e-3F);
  }
}

TEST(Orthogonalize, IgnoresTheSizeAndKeepsZeros) {
  at::manual_seed(6);
  const at::Tensor given = at::randn({16, 40});
  EXPECT_TRUE(at::allclose(orthogonal(given), orthogonal(1e-6 * given), 1e-3, 1e-4));
  EXPECT_EQ(orthogonal(at::zeros({16, 40})).abs().max().item<float>(), 0.0F);
}

}  // namespace
}  // namespace retinaface::training
