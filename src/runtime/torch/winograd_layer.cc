#include "runtime/torch/winograd_layer.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "base/check.h"
#include "runtime/kernels/kernels.h"
#include "runtime/torch/parallel.h"
#include "runtime/training_kernels/winograd_gradient.h"

namespace retinaface::runtime {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr std::int64_t kTilesPerThread = 64;
/// Tiles whose products are summed before the next are transformed: some megabytes.
constexpr std::int64_t kTilesAtOnce = 128;

training_kernels::Batch batch_of(const at::Tensor& map) {
  RF_CHECK(map.scalar_type() == at::kFloat && map.is_contiguous(kChannelsLast));
  return {map.data_ptr<float>(), map.size(0), map.size(2), map.size(3), map.size(1)};
}

graph::Tensor copy_of(const at::Tensor& tensor) {
  const at::Tensor whole = tensor.contiguous();
  graph::Tensor copy = graph::Tensor::of_shape(whole.sizes().vec());
  std::copy_n(whole.data_ptr<float>(), whole.numel(), copy.values().begin());
  return copy;
}

}  // namespace

bool takes_winograd(const graph::Convolution& op, const at::Tensor& map) {
  const kernels::Kernels* const own = kernels::best();
  if (own == nullptr || own->level == SimdLevel::kBaseline) return false;
  const std::int64_t block = own->block;
  return map.scalar_type() == at::kFloat && op.kernel == 3 && op.stride == 1 && op.padding == 1 &&
         op.groups == 1 && op.out_channels % block == 0 && map.size(1) % block == 0;
}

at::Tensor winograd_forward(const at::Tensor& map, const at::Tensor& weight,
                            const at::Tensor& bias) {
  const at::Tensor shift = bias.defined() ? bias : at::zeros({weight.size(0)});
  const kernels::Kernels& own = *kernels::best();
  const kernels::Winograd layer =
      kernels::make_winograd(own, copy_of(weight), kernels::make_epilogue(own, copy_of(shift), 1));
  at::Tensor result = at::empty({map.size(0), weight.size(0), map.size(2), map.size(3)},
                                map.options(), kChannelsLast);
  const training_kernels::Batch in = batch_of(map);
  const training_kernels::Batch out = batch_of(result);
  at::parallel_for(0, training_kernels::winograd_tiles(in), kTilesPerThread,
                   [&](std::int64_t begin, std::int64_t end) {
                     AlignedBuffer<float> scratch(kernels::scratch_floats(layer));
                     training_kernels::run(layer, in, out, begin, end, scratch.data());
                   });
  return result;
}

at::Tensor winograd_map_gradient(const at::Tensor& gradient, const at::Tensor& weight) {
  return winograd_forward(gradient, weight.flip({2, 3}).transpose(0, 1), {});
}

at::Tensor winograd_weight_gradient(const at::Tensor& map, const at::Tensor& gradient) {
  const training_kernels::Batch in = batch_of(map);
  const training_kernels::Batch by = batch_of(gradient);
  const auto floats = [](std::int64_t channels) {
    return AlignedBuffer<float>(
        training_kernels::winograd_gradient_floats(*kernels::best(), kTilesAtOnce, channels));
  };
  AlignedBuffer<float> inputs = floats(in.channels);
  AlignedBuffer<float> gradients = floats(by.channels);
  AlignedBuffer<float> products(static_cast<std::size_t>(36 * in.channels * by.channels));
  std::ranges::fill(products, 0.0F);
  const training_kernels::WinogradGradient sums = {kTilesAtOnce, inputs.data(), gradients.data(),
                                                   products.data()};
  const std::int64_t tiles = training_kernels::winograd_tiles(in);
  for (std::int64_t first = 0; first < tiles; first += kTilesAtOnce) {
    const std::int64_t last = std::min(first + kTilesAtOnce, tiles);
    at::parallel_for(first, last, 1, [&](std::int64_t begin, std::int64_t end) {
      training_kernels::transform(*kernels::best(), sums, in, by, first, begin, end);
    });
    at::parallel_for(0, 36, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t position = begin; position < end; ++position) {
        training_kernels::add_products(*kernels::best(), sums, in.channels, by.channels,
                                       last - first, position);
      }
    });
  }
  at::Tensor result = at::empty({by.channels, in.channels, 3, 3});
  at::parallel_for(0, by.channels, 1, [&](std::int64_t begin, std::int64_t end) {
    training_kernels::finish(sums, in.channels, by.channels, begin, end, result.data_ptr<float>());
  });
  return result;
}

}  // namespace retinaface::runtime
