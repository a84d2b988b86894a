#include "runtime/torch/deformable_layer.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "base/check.h"
#include "runtime/torch/deformable_sampling.h"
#include "runtime/torch/parallel.h"

namespace retinaface::runtime {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
/// Of 9 x 256 float32 channels these are some 40 MB.
constexpr std::int64_t kPlacesAtOnce = 4096;
constexpr std::int64_t kPlacesPerThread = 64;
constexpr std::int64_t kChannelsPerThread = 32;

/// Calls `work` with a value of the type that maps of this precision are made of.
template <typename Work>
void with_type(const at::Tensor& map, const Work& work) {
  if (map.scalar_type() == at::kFloat) {
    work(float{});
  } else {
    RF_CHECK(map.scalar_type() == at::kBFloat16);
    work(Bfloat16{});
  }
}

template <typename T>
T* data_of(const at::Tensor& map) {
  return static_cast<T*>(map.data_ptr());
}

DeformableGeometry geometry_of(const graph::DeformableConvolution& op, const at::Tensor& map,
                               const at::Tensor& offsets) {
  RF_CHECK(map.is_contiguous(kChannelsLast) && offsets.is_contiguous(kChannelsLast));
  RF_CHECK(map.scalar_type() == offsets.scalar_type() && offsets.size(1) == op.offset_channels());
  return {.channels = map.size(1),
          .height = map.size(2),
          .width = map.size(3),
          .out_width = offsets.size(3),
          .kernel = op.kernel,
          .stride = op.stride,
          .padding = op.padding};
}

/// The weight of the 1x1 convolution on columns, from (out, in, kernel, kernel).
at::Tensor over_columns(const at::Tensor& weight) {
  return weight.permute({0, 2, 3, 1}).reshape({weight.size(0), -1, 1, 1});
}

/// `count` rows of a map's adjacent channels from `first` on, as a map of one row.
at::Tensor some_places(const at::Tensor& map, std::int64_t first, std::int64_t count) {
  return map.permute({0, 2, 3, 1})
      .reshape({-1, map.size(1)})
      .narrow(0, first, count)
      .view({1, 1, count, map.size(1)})
      .permute({0, 3, 1, 2});
}

/// Calls `work(image, begin, end, columns)` for all places of all images, some at a time.
template <typename Work>
void for_columns(const DeformableGeometry& geometry, const at::Tensor& map,
                 const at::Tensor& offsets, const Work& work) {
  const std::int64_t places = offsets.size(2) * offsets.size(3);
  for (std::int64_t n = 0; n < map.size(0); ++n) {
    for (std::int64_t begin = 0; begin < places; begin += kPlacesAtOnce) {
      const std::int64_t end = std::min(begin + kPlacesAtOnce, places);
      const at::Tensor columns =
          at::empty({1, geometry.column(), 1, end - begin}, map.options(), kChannelsLast);
      with_type(map, [&](auto type) {
        using T = decltype(type);
        const T* const own_map = data_of<T>(map[n]);
        const T* const own_offsets = data_of<T>(offsets[n]);
        at::parallel_for(begin, end, kPlacesPerThread, [&](std::int64_t from, std::int64_t to) {
          sample_columns<T>(geometry, own_map, own_offsets, from, to,
                            data_of<T>(columns) + (from - begin) * geometry.column());
        });
      });
      work(n, begin, end, columns);
    }
  }
}

}  // namespace

at::Tensor deformable_forward(const graph::DeformableConvolution& op, const at::Tensor& map,
                              const at::Tensor& offsets, const at::Tensor& weight,
                              const at::Tensor& bias) {
  const DeformableGeometry geometry = geometry_of(op, map, offsets);
  const std::int64_t height = offsets.size(2);
  const std::int64_t width = offsets.size(3);
  const at::Tensor result =
      at::empty({map.size(0), op.out_channels, height, width}, map.options(), kChannelsLast);
  const at::Tensor matrix = over_columns(weight);
  c10::optional<at::Tensor> shift;
  if (bias.defined()) shift = bias;
  for_columns(geometry, map, offsets,
              [&](std::int64_t n, std::int64_t begin, std::int64_t end, const at::Tensor& columns) {
                some_places(result, n * height * width + begin, end - begin)
                    .copy_(at::convolution(columns, matrix, shift, {1, 1}, {0, 0}, {1, 1}, false,
                                           {0, 0}, 1));
              });
  return result;
}

DeformableGradients deformable_backward(const graph::DeformableConvolution& op,
                                        const at::Tensor& map, const at::Tensor& offsets,
                                        const at::Tensor& weight, const at::Tensor& gradient,
                                        const DeformableGradientsWanted& wanted) {
  const DeformableGeometry geometry = geometry_of(op, map, offsets);
  RF_CHECK(gradient.is_contiguous(kChannelsLast));
  const std::int64_t places = offsets.size(2) * offsets.size(3);
  const at::Tensor matrix = over_columns(weight);
  const auto in_float = map.options().dtype(at::kFloat);
  DeformableGradients result;
  at::Tensor matrix_gradient;
  if (wanted.map) result.map = at::zeros(map.sizes(), in_float).contiguous(kChannelsLast);
  if (wanted.offsets) result.offsets = at::empty(offsets.sizes(), map.options(), kChannelsLast);
  if (wanted.parameters) {
    matrix_gradient = at::zeros(matrix.sizes(), in_float);
    if (op.bias) result.bias = at::zeros({op.out_channels}, in_float);
  }
  const std::vector<std::int64_t> bias_shape = {op.out_channels};
  at::OptionalIntArrayRef bias_sizes;
  if (op.bias) bias_sizes = bias_shape;
  const auto learn = [&](std::int64_t n, std::int64_t begin, std::int64_t end,
                         const at::Tensor& columns) {
    auto [by_columns, by_matrix, by_bias] = at::convolution_backward(
        some_places(gradient, n * places + begin, end - begin), columns, matrix, bias_sizes, {1, 1},
        {0, 0}, {1, 1}, false, {0, 0}, 1,
        {wanted.map || wanted.offsets, wanted.parameters, wanted.parameters && op.bias});
    if (wanted.parameters) {
      matrix_gradient.add_(by_matrix);
      if (op.bias) result.bias.add_(by_bias);
    }
    if (!wanted.map && !wanted.offsets) return;
    const at::Tensor by_column = by_columns.contiguous(kChannelsLast);
    with_type(map, [&](auto type) {
      using T = decltype(type);
      const T* const own_map = data_of<T>(map[n]);
      const T* const own_offsets = data_of<T>(offsets[n]);
      const T* const own_gradients = data_of<T>(by_column);
      if (wanted.offsets) {
        T* const target = data_of<T>(result.offsets[n]);
        at::parallel_for(begin, end, kPlacesPerThread, [&](std::int64_t from, std::int64_t to) {
          offset_gradients<T>(geometry, own_map, own_offsets, from, to,
                              own_gradients + (from - begin) * geometry.column(), target);
        });
      }
      if (wanted.map) {
        // Places meet in the cells that they read, channels never do.
        float* const target = data_of<float>(result.map[n]);
        at::parallel_for(0, geometry.channels, kChannelsPerThread,
                         [&](std::int64_t first, std::int64_t last) {
                           add_map_gradients<T>(geometry, own_offsets, begin, end, own_gradients,
                                                first, last, target);
                         });
      }
    });
  };
  for_columns(geometry, map, offsets, learn);
  if (wanted.map) result.map = result.map.to(map.scalar_type());
  if (wanted.parameters) {
    result.weight =
        matrix_gradient.view({weight.size(0), weight.size(2), weight.size(3), weight.size(1)})
            .permute({0, 3, 1, 2});
  }
  return result;
}

}  // namespace retinaface::runtime
