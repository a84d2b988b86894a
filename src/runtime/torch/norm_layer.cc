#include "runtime/torch/norm_layer.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "base/check.h"
#include "runtime/torch/norm_activation.h"
#include "runtime/torch/parallel.h"

namespace retinaface::runtime {
namespace {

/// About this many values make a piece of work.
constexpr std::int64_t kValuesPerPiece = 1 << 17;

template <typename T>
Rows<T> rows_of(const at::Tensor& map, std::int64_t stride) {
  return {static_cast<T*>(map.data_ptr()), map.size(0) * map.size(2) * map.size(3), map.size(1),
          stride > 0 ? stride : map.size(1)};
}

std::int64_t rows_per_piece(std::int64_t channels) {
  return std::max<std::int64_t>(kValuesPerPiece / channels, 1);
}

/// Calls `work(piece, begin, end)` for each piece of the rows, on all threads.
template <typename Work>
void for_pieces(std::int64_t rows, std::int64_t channels, const Work& work) {
  const std::int64_t step = rows_per_piece(channels);
  const std::int64_t pieces = (rows + step - 1) / step;
  at::parallel_for(0, pieces, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t piece = first; piece < last; ++piece) {
      work(piece, piece * step, std::min((piece + 1) * step, rows));
    }
  });
}

/// Two sums per channel, from `sum(begin, end, sums)` on pieces of the rows.
template <typename Sum>
std::vector<double> sum_pieces(std::int64_t rows, std::int64_t channels, const Sum& sum) {
  const std::int64_t step = rows_per_piece(channels);
  const auto width = static_cast<std::size_t>(2 * channels);
  std::vector<double> parts(static_cast<std::size_t>((rows + step - 1) / step) * width, 0.0);
  for_pieces(rows, channels, [&](std::int64_t piece, std::int64_t begin, std::int64_t end) {
    sum(begin, end, parts.data() + static_cast<std::size_t>(piece) * width);
  });
  std::vector<double> total(width, 0.0);
  for (std::size_t i = 0; i < parts.size(); ++i) total[i % width] += parts[i];
  return total;
}

}  // namespace

NormLayer::NormLayer(NormParameters parameters, NormOptions options)
    : parameters_(parameters),
      options_(std::move(options)),
      scale_(parameters.weight.size()),
      shift_(parameters.weight.size()),
      mean_(parameters.weight.size()),
      inverse_deviation_(parameters.weight.size()) {}

void NormLayer::use_statistics(std::span<const double> mean, std::span<const double> variance) {
  for (std::size_t c = 0; c < scale_.size(); ++c) {
    inverse_deviation_[c] = 1 / std::sqrt(variance[c] + static_cast<double>(options_.epsilon));
    const double scale = static_cast<double>(parameters_.weight[c]) * inverse_deviation_[c];
    mean_[c] = static_cast<float>(mean[c]);
    scale_[c] = static_cast<float>(scale);
    shift_[c] = static_cast<float>(static_cast<double>(parameters_.bias[c]) - scale * mean[c]);
  }
}

template <typename T>
void NormLayer::forward_as(const at::Tensor& x, const at::Tensor& y, std::int64_t y_stride) {
  const Rows<const T> in = rows_of<const T>(x, 0);
  const std::size_t channels = scale_.size();
  std::vector<double> mean(channels);
  std::vector<double> variance(channels);
  if (options_.running_statistics) {
    std::ranges::copy(parameters_.running_mean, mean.begin());
    std::ranges::copy(parameters_.running_var, variance.begin());
  } else {
    // The running mean is a good pivot and the same in all processes.
    const std::vector<float> pivot(parameters_.running_mean.begin(),
                                   parameters_.running_mean.end());
    std::vector<double> sums =
        sum_pieces(in.count, in.channels, [&](std::int64_t begin, std::int64_t end, double* part) {
          add_moments<T>(in.slice(begin, end), pivot.data(), part);
        });
    sums.push_back(static_cast<double>(in.count));
    if (options_.sum_over_processes) options_.sum_over_processes(sums);
    count_ = sums.back();
    const double unbiased = count_ / std::max(count_ - 1, 1.0);
    const auto momentum = static_cast<double>(options_.momentum);
    const auto blend = [&](float& running, double value) {
      running =
          static_cast<float>((1 - momentum) * static_cast<double>(running) + momentum * value);
    };
    for (std::size_t c = 0; c < channels; ++c) {
      const double shifted = sums[c] / count_;
      mean[c] = static_cast<double>(pivot[c]) + shifted;
      variance[c] = std::max(sums[channels + c] / count_ - shifted * shifted, 0.0);
      blend(parameters_.running_mean[c], mean[c]);
      blend(parameters_.running_var[c], variance[c] * unbiased);
    }
  }
  use_statistics(mean, variance);
  repeat_as<T>(x, y, y_stride);
}

template <typename T>
void NormLayer::repeat_as(const at::Tensor& x, const at::Tensor& y, std::int64_t y_stride) const {
  const Rows<const T> in = rows_of<const T>(x, 0);
  const Rows<T> out = rows_of<T>(y, y_stride);
  for_pieces(in.count, in.channels, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
    normalize<T>(in.slice(begin, end), scale_.data(), shift_.data(), options_.slope,
                 out.slice(begin, end));
  });
}

template <typename T>
void NormLayer::backward_as(const at::Tensor& x, const at::Tensor& dy, std::int64_t dy_stride,
                            const at::Tensor& dx) {
  const Rows<const T> in = rows_of<const T>(x, 0);
  const Rows<const T> gradient = rows_of<const T>(dy, dy_stride);
  const Rows<T> out = rows_of<T>(dx, 0);
  const std::size_t channels = scale_.size();
  std::vector<float> by_x(channels, 0.0F);
  std::vector<float> constant(channels, 0.0F);
  if (options_.trainable || !options_.running_statistics) {
    std::vector<double> sums =
        sum_pieces(in.count, in.channels, [&](std::int64_t begin, std::int64_t end, double* part) {
          add_gradient_moments<T>(in.slice(begin, end), gradient.slice(begin, end), scale_.data(),
                                  shift_.data(), options_.slope, mean_.data(), part);
        });
    // The parameters' gradients are this process's own share, like those of the convolutions.
    if (options_.trainable) {
      for (std::size_t c = 0; c < channels; ++c) {
        parameters_.bias_gradient[c] += static_cast<float>(sums[c]);
        parameters_.weight_gradient[c] +=
            static_cast<float>(sums[channels + c] * inverse_deviation_[c]);
      }
    }
    if (!options_.running_statistics) {
      if (options_.sum_over_processes) options_.sum_over_processes(sums);
      for (std::size_t c = 0; c < channels; ++c) {
        const auto scale = static_cast<double>(scale_[c]);
        const double factor =
            -scale * inverse_deviation_[c] * inverse_deviation_[c] * sums[channels + c] / count_;
        by_x[c] = static_cast<float>(factor);
        constant[c] =
            static_cast<float>(-scale * sums[c] / count_ - factor * static_cast<double>(mean_[c]));
      }
    }
  }
  for_pieces(in.count, in.channels, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
    normalize_backward<T>(in.slice(begin, end), gradient.slice(begin, end), scale_.data(),
                          shift_.data(), options_.slope, by_x.data(), constant.data(),
                          out.slice(begin, end));
  });
}

void NormLayer::forward(const at::Tensor& x, const at::Tensor& y, std::int64_t y_stride) {
  RF_CHECK(x.scalar_type() == y.scalar_type() && x.sizes() == y.sizes());
  if (x.scalar_type() == at::kFloat) {
    forward_as<float>(x, y, y_stride);
  } else {
    forward_as<Bfloat16>(x, y, y_stride);
  }
}

void NormLayer::repeat(const at::Tensor& x, const at::Tensor& y, std::int64_t y_stride) const {
  if (x.scalar_type() == at::kFloat) {
    repeat_as<float>(x, y, y_stride);
  } else {
    repeat_as<Bfloat16>(x, y, y_stride);
  }
}

at::Tensor NormLayer::backward(const at::Tensor& x, const at::Tensor& dy, std::int64_t dy_stride) {
  RF_CHECK(x.scalar_type() == dy.scalar_type() && x.sizes() == dy.sizes());
  at::Tensor dx = at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast);
  if (x.scalar_type() == at::kFloat) {
    backward_as<float>(x, dy, dy_stride, dx);
  } else {
    backward_as<Bfloat16>(x, dy, dy_stride, dx);
  }
  return dx;
}

}  // namespace retinaface::runtime
