#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace at {
class Tensor;
}

namespace retinaface::runtime {

/// The parameters of one batch normalisation, where they lie among the network's, and their
/// gradients.
struct NormParameters {
  std::span<float> weight;
  std::span<float> bias;
  std::span<float> running_mean;
  std::span<float> running_var;
  std::span<float> weight_gradient;
  std::span<float> bias_gradient;
};

struct NormOptions {
  float epsilon = 1e-5F;
  float momentum = 0.1F;
  float slope = 1;  ///< of the leaky ReLU behind it; 1 for none
  bool running_statistics = false;
  bool trainable = true;
  /// TrainableOptions::sum_over_processes
  std::function<void(std::span<double>)> sum_over_processes = {};
};

/// Batch normalisation and activation on maps (N, C, H, W) that lie in memory as N x H x W rows of
/// C adjacent channels, each row `stride` values after the one before (0: dense). The rows are cut
/// into pieces whose number does not depend on the threads, so neither does the result.
class NormLayer {
 public:
  NormLayer(NormParameters parameters, NormOptions options);

  /// Writes the activated map; `y` may be a slice of the channels of a wider map.
  void forward(const at::Tensor& x, const at::Tensor& y, std::int64_t y_stride);
  /// Writes the same map again, with the statistics that forward() has found.
  void repeat(const at::Tensor& x, const at::Tensor& y, std::int64_t y_stride) const;
  /// Adds the parameters' gradients and returns that by x, given what forward() was.
  at::Tensor backward(const at::Tensor& x, const at::Tensor& dy, std::int64_t dy_stride);

 private:
  template <typename T>
  void forward_as(const at::Tensor& x, const at::Tensor& y, std::int64_t y_stride);
  template <typename T>
  void repeat_as(const at::Tensor& x, const at::Tensor& y, std::int64_t y_stride) const;
  template <typename T>
  void backward_as(const at::Tensor& x, const at::Tensor& dy, std::int64_t dy_stride,
                   const at::Tensor& dx);
  void use_statistics(std::span<const double> mean, std::span<const double> variance);

  NormParameters parameters_;
  NormOptions options_;
  std::vector<float> scale_;
  std::vector<float> shift_;
  std::vector<float> mean_;
  std::vector<double> inverse_deviation_;
  double count_ = 0;  ///< values per channel that the statistics are of, over all processes
};

}  // namespace retinaface::runtime
