#include "runtime/torch/winograd_layer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "runtime/kernels/kernels.h"
#include "runtime/training_backends/process_settings.h"

namespace retinaface::runtime {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

/// A layer with what goes in and what comes back, and libtorch's own results in double precision.
struct Case {
  at::Tensor map;
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor gradient;

  Case(std::int64_t images, std::int64_t in, std::int64_t out, std::int64_t h, std::int64_t w) {
    at::manual_seed(5);
    map = at::randn({images, in, h, w}).contiguous(kChannelsLast);
    weight = at::randn({out, in, 3, 3});
    bias = at::randn({out});
    gradient = at::randn({images, out, h, w}).contiguous(kChannelsLast);
  }

  at::Tensor result() const {
    return at::convolution(map.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble),
                           {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1);
  }
  std::pair<at::Tensor, at::Tensor> gradients() const {
    const auto [by_map, by_weight, by_bias] = at::convolution_backward(
        gradient.to(at::kDouble), map.to(at::kDouble), weight.to(at::kDouble), at::nullopt, {1, 1},
        {1, 1}, {1, 1}, false, {0, 0}, 1, {true, true, false});
    return {by_map, by_weight};
  }
};

/// Of a difference, by the largest value.
double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  EXPECT_EQ(actual.sizes(), expected.sizes());
  return ((actual.to(at::kDouble) - expected).abs().max() / expected.abs().max()).item<double>();
}

/// In vectors of this CPU: a block, several, an odd number of them.
class WinogradLayer : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {
 protected:
  void SetUp() override {
    if (kernels::best() == nullptr) GTEST_SKIP() << "no kernels for this CPU";
  }
  std::int64_t in() const { return GetParam().first * kernels::best()->block; }
  std::int64_t out() const { return GetParam().second * kernels::best()->block; }
};

TEST_P(WinogradLayer, EqualsTheDirectConvolutionAndItsGradients) {
  // Float's rounding, of sums over up to 80 channels, times what the transforms make of it.
  constexpr double kRounding = 1e-5;
  // No multiple of a tile's four cells, and a map that is smaller than a tile.
  for (const auto& [h, w] : {std::pair{13, 22}, std::pair{3, 2}}) {
    const Case c(3, in(), out(), h, w);
    const auto [by_map, by_weight] = c.gradients();
    EXPECT_LT(relative_error(winograd_forward(c.map, c.weight, c.bias), c.result()), kRounding);
    EXPECT_LT(relative_error(winograd_map_gradient(c.gradient, c.weight), by_map), kRounding);
    EXPECT_LT(relative_error(winograd_weight_gradient(c.map, c.gradient), by_weight), kRounding);
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, WinogradLayer,
                         testing::Values(std::pair{1, 1}, std::pair{3, 2}, std::pair{2, 5}));

TEST(WinogradLayerThreads, DoNotChangeTheResult) {
  if (kernels::best() == nullptr) GTEST_SKIP() << "no kernels for this CPU";
  const Case c(2, 2 * kernels::best()->block, kernels::best()->block, 50, 41);
  const int before = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> results;
  for (const int threads : {1, 3}) {
    set_threads(threads);
    results.push_back({winograd_forward(c.map, c.weight, c.bias),
                       winograd_map_gradient(c.gradient, c.weight),
                       winograd_weight_gradient(c.map, c.gradient)});
  }
  set_threads(before);
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(results[0][i].equal(results[1][i])) << i;
  }
}

}  // namespace
}  // namespace retinaface::runtime
