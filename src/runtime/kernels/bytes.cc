#include "runtime/kernels/bytes.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/check.h"
#include "base/cpu.h"
#include "runtime/kernels/bytes_columns.h"

namespace retinaface::runtime::kernels {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

std::int64_t padded(std::int64_t channels, std::int64_t block) {
  return (channels + block - 1) / block * block;
}

template <typename T>
AlignedBuffer<T> zeros(std::int64_t count) {
  AlignedBuffer<T> buffer(index(count));
  std::ranges::fill(buffer, T{0});
  return buffer;
}

std::vector<std::uint8_t> padded_zero(const ByteCode& code, std::int64_t channels) {
  std::vector<std::uint8_t> zero = code.zero;
  zero.resize(index(channels));
  return zero;
}

/// A bias of `sums` in units of a product of bytes.
std::int32_t as_units(double value) {
  // So far from the ends that no sum of products leaves 32 bits: 2^22 inputs of 255 * 127.
  constexpr double kLimit = 1 << 30;
  return static_cast<std::int32_t>(std::nearbyint(std::clamp(value, -kLimit, kLimit)));
}

/// What a convolution's sums start from and become. `zero_sums`: by output channel the sum of byte
/// times the input's zero.
ByteEpilogue make_epilogue(std::int64_t channels, const ByteWeights& weights,
                           const graph::Tensor& bias, const std::vector<std::int64_t>& zero_sums,
                           std::span<const float> slope, const ByteCode* output) {
  ByteEpilogue epilogue = {zeros<std::int32_t>(channels),
                           zeros<float>(channels),
                           zeros<float>(channels),
                           zeros<float>(channels),
                           {}};
  for (std::size_t c = 0; c < bias.size(); ++c) {
    const double units = double{bias.values()[c]} / double{weights.scale[c]};
    epilogue.bias[c] = as_units(units - static_cast<double>(zero_sums[c]));
    const float scale = output != nullptr ? weights.scale[c] / output->scale[c] : weights.scale[c];
    epilogue.scale[c] = scale;
    epilogue.leaky[c] = scale * (slope.size() == 1 ? slope[0] : slope[c]);
    if (output != nullptr) epilogue.offset[c] = static_cast<float>(output->zero[c]);
  }
  if (output != nullptr) epilogue.zero = padded_zero(*output, channels);
  return epilogue;
}

/// Raises the scale until the bytes of neighbours fit together: see byte_weights.
void widen_until_pairs_fit(std::span<const double> values, std::span<const std::size_t> partner,
                           double& scale) {
  constexpr double kPair = 128;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (partner[i] == i) continue;
    const double a = values[i];
    const double b = values[partner[i]];
    // Each may be rounded up by a half.
    if (a * b > 0) scale = std::max(scale, (std::abs(a) + std::abs(b)) / (kPair - 1));
  }
}

bool runs_here(const char* name) {
#if defined(__x86_64__)
  const std::string_view column = name;
  if (column == "vnni") return simd_level() == SimdLevel::kAvx512 && has_int8_dot_products();
  if (column == "avx512") return simd_level() == SimdLevel::kAvx512;
  if (column == "avxvnni") return has_avx_vnni();
  return simd_level() >= SimdLevel::kAvx2;
#elif defined(__aarch64__)
  return std::string_view(name) == "i8mm" ? has_mixed_dot_products() : has_int8_dot_products();
#else
  (void)name;
  return false;
#endif
}

}  // namespace

std::span<const ByteKernels* const> available_byte_kernels() {
  static const std::vector<ByteKernels> compiled = {
#if defined(__x86_64__)
    byte_kernels_vnni(),
    byte_kernels_avx512(),
    byte_kernels_avxvnni(),
    byte_kernels_avx2()
#elif defined(__aarch64__)
    byte_kernels_i8mm(),
    byte_kernels_dotprod()
#endif
  };
  static const std::vector<const ByteKernels*> found = [] {
    std::vector<const ByteKernels*> result;
    for (const ByteKernels& kernels : compiled) {
      if (runs_here(kernels.name)) result.push_back(&kernels);
    }
    return result;
  }();
  return found;
}

const ByteKernels* best_byte_kernels() {
  return available_byte_kernels().empty() ? nullptr : available_byte_kernels().front();
}

ByteWeights byte_weights(const graph::Tensor& weight, const ByteCode& input) {
  const auto outs = index(weight.shape[0]);
  const auto ins = index(weight.shape[1]);
  const auto taps = index(weight.shape[2] * weight.shape[3]);
  const bool depthwise = ins == 1 && input.scale.size() == outs && outs > 1;
  const auto kernel = index(weight.shape[3]);
  // The place of each weight's neighbour in the order of one output channel; its own if it has
  // none.
  std::vector<std::size_t> partner(ins * taps);
  for (std::size_t i = 0; i < ins; ++i) {
    for (std::size_t tap = 0; tap < taps; ++tap) {
      const std::size_t at = i * taps + tap;
      if (depthwise) {
        const std::size_t row = tap / kernel;
        partner[at] = row == 0 && kernel > 1 ? at + kernel : row == 1 ? at - kernel : at;
      } else {
        const std::size_t other = i ^ 1U;
        partner[at] = other < ins ? other * taps + tap : at;
      }
    }
  }
  ByteWeights result{std::vector<float>(outs), std::vector<std::int8_t>(weight.size())};
  std::vector<double> values(ins * taps);
  for (std::size_t o = 0; o < outs; ++o) {
    double scale = 0;
    for (std::size_t at = 0; at < values.size(); ++at) {
      const float from = input.scale[depthwise ? o : at / taps];
      values[at] = double{weight.values()[o * values.size() + at]} * double{from};
      scale = std::max(scale, std::abs(values[at]) / 127);
    }
    widen_until_pairs_fit(values, partner, scale);
    result.scale[o] = std::max(static_cast<float>(scale), 1e-30F);
    for (std::size_t at = 0; at < values.size(); ++at) {
      result.bytes[o * values.size() + at] = static_cast<std::int8_t>(
          std::clamp(std::nearbyint(values[at] / double{result.scale[o]}), -127.0, 127.0));
    }
  }
  return result;
}

namespace {

/// make_byte_convolution of inputs that lie `cell` channels together.
ByteConvolution convolution_of_cells(const ByteKernels& kernels, const graph::Tensor& weight,
                                     const graph::Tensor& bias, std::int64_t stride,
                                     std::span<const float> slope, const ByteCode& input,
                                     const ByteCode* output, std::int64_t cell) {
  const std::int64_t outs = weight.shape[0];
  const std::int64_t ins = weight.shape[1];
  const std::int64_t kernel = weight.shape[2];
  const std::int64_t taps = kernel * kernel;
  const std::int64_t block = kernels.block;
  const std::int64_t in_channels = padded(ins, cell);
  const std::int64_t out_channels = padded(outs, block);
  RF_CHECK(stride == 1 || (stride == 2 && kernel == 3 && ins <= kPixelBytes));
  const ByteWeights bytes = byte_weights(weight, input);
  ByteConvolution layer{&kernels,     in_channels,
                        out_channels, kernel,
                        stride,       zeros<std::int8_t>(out_channels * in_channels * taps),
                        {},           out_channels / block};
  std::vector<std::int64_t> zero_sums(index(outs));
  std::int64_t first = 0;  // of the channels that are done at once with o
  std::int64_t width = 0;
  for (std::int64_t o = 0; o < outs; ++o) {
    if (o == first + width) {
      first = o;
      width = kernels.blocks_at_once(kernel, (out_channels - first) / block) * block;
    }
    for (std::int64_t i = 0; i < ins; ++i) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const std::int8_t byte = bytes.bytes[index((o * ins + i) * taps + tap)];
        const std::int64_t step = tap * (in_channels / 4) + i / 4;
        layer.weight[index(first * taps * in_channels + (step * width + o - first) * 4 + i % 4)] =
            byte;
        zero_sums[index(o)] += std::int64_t{byte} * input.zero[index(i)];
      }
    }
  }
  layer.epilogue = make_epilogue(out_channels, bytes, bias, zero_sums, slope, output);
  return layer;
}

}  // namespace

ByteConvolution make_byte_convolution(const ByteKernels& kernels, const graph::Tensor& weight,
                                      const graph::Tensor& bias, std::int64_t stride, float slope,
                                      const ByteCode& input, const ByteCode* output) {
  return make_byte_convolution(kernels, weight, bias, stride, std::span(&slope, 1), input, output);
}

ByteConvolution make_byte_convolution(const ByteKernels& kernels, const graph::Tensor& weight,
                                      const graph::Tensor& bias, std::int64_t stride,
                                      std::span<const float> slope, const ByteCode& input,
                                      const ByteCode* output) {
  return convolution_of_cells(kernels, weight, bias, stride, slope, input, output,
                              stride == 2 ? kPixelBytes : kernels.block);
}

ByteDepthwise make_byte_depthwise(const ByteKernels& kernels, const graph::Tensor& weight,
                                  const graph::Tensor& bias, std::int64_t stride, float slope,
                                  const ByteCode& input, const ByteCode& output) {
  const std::int64_t block = kernels.block;
  const std::int64_t channels = padded(weight.shape[0], block);
  RF_CHECK(weight.shape[1] == 1 && weight.shape[2] == 3 && (stride == 1 || stride == 2));
  const ByteWeights bytes = byte_weights(weight, input);
  ByteDepthwise layer{&kernels, channels, stride, zeros<std::int8_t>(channels * 12), {}};
  std::vector<std::int64_t> zero_sums(index(weight.shape[0]));
  for (std::int64_t c = 0; c < weight.shape[0]; ++c) {
    for (std::int64_t tap = 0; tap < 9; ++tap) {
      const std::int8_t byte = bytes.bytes[index(c * 9 + tap)];
      layer.weight[index(((c / block * 3 + tap % 3) * block + c % block) * 4 + tap / 3)] = byte;
      zero_sums[index(c)] += std::int64_t{byte} * input.zero[index(c)];
    }
  }
  layer.epilogue = make_epilogue(channels, bytes, bias, zero_sums, std::span(&slope, 1), &output);
  return layer;
}

ByteStem make_byte_stem(const ByteKernels& kernels, const ByteStemLayer& first,
                        const ByteStemLayer& depthwise, const ByteStemLayer& pointwise,
                        const ByteCode& image) {
  RF_CHECK((first.weight->shape == std::vector<std::int64_t>{kStemChannels, 3, 3, 3}) &&
           (depthwise.weight->shape == std::vector<std::int64_t>{kStemChannels, 1, 3, 3}) &&
           pointwise.weight->shape[1] == kStemChannels && first.code != nullptr &&
           depthwise.code != nullptr);
  ByteStem layer{
      &kernels,
      zeros<std::int8_t>(9 * kStemChannels * kPixelBytes),
      {},
      zeros<std::int8_t>(kStemChannels * 12),
      {},
      convolution_of_cells(kernels, *pointwise.weight, *pointwise.bias, 1,
                           std::span(&pointwise.slope, 1), *depthwise.code, pointwise.code, 4),
      make_to_bytes(kernels, image, true)};
  const ByteWeights of_first = byte_weights(*first.weight, image);
  const ByteWeights of_depthwise = byte_weights(*depthwise.weight, *first.code);
  std::vector<std::int64_t> first_zeros(kStemChannels);
  std::vector<std::int64_t> depthwise_zeros(kStemChannels);
  for (std::int64_t c = 0; c < kStemChannels; ++c) {
    for (std::int64_t tap = 0; tap < 9; ++tap) {
      for (std::int64_t i = 0; i < 3; ++i) {
        const std::int8_t byte = of_first.bytes[index((c * 3 + i) * 9 + tap)];
        layer.first_weight[index((tap * kStemChannels + c) * kPixelBytes + i)] = byte;
        first_zeros[index(c)] += std::int64_t{byte} * image.zero[index(i)];
      }
      const std::int8_t byte = of_depthwise.bytes[index(c * 9 + tap)];
      layer.depthwise_weight[index(c * 12 + tap % 3 * 4 + tap / 3)] = byte;
      depthwise_zeros[index(c)] += std::int64_t{byte} * first.code->zero[index(c)];
    }
  }
  layer.first = make_epilogue(kStemChannels, of_first, *first.bias, first_zeros,
                              std::span(&first.slope, 1), first.code);
  layer.depthwise = make_epilogue(kStemChannels, of_depthwise, *depthwise.bias, depthwise_zeros,
                                  std::span(&depthwise.slope, 1), depthwise.code);
  return layer;
}

bool reads_pixels(const ByteStem& layer, std::span<const float> mean) {
  for (std::size_t c = 0; c < mean.size(); ++c) {
    if (layer.image.factor[c] != 1 || layer.image.offset[c] != mean[c]) return false;
  }
  return true;
}

std::size_t scratch_words(const ByteStem& layer, std::int64_t in_width) {
  return layer.kernels->stem_words(in_width);
}

ByteAddition make_byte_addition(const ByteKernels& kernels, const ByteCode& fine,
                                const ByteCode& coarse, const ByteCode& output) {
  const auto channels = padded(static_cast<std::int64_t>(output.scale.size()), kernels.block);
  ByteAddition layer{&kernels, zeros<float>(channels), zeros<float>(channels),
                     zeros<float>(channels), padded_zero(output, channels)};
  for (std::size_t c = 0; c < output.scale.size(); ++c) {
    layer.fine[c] = fine.scale[c] / output.scale[c];
    layer.coarse[c] = coarse.scale[c] / output.scale[c];
    layer.offset[c] = static_cast<float>(output.zero[c]) -
                      layer.fine[c] * static_cast<float>(fine.zero[c]) -
                      layer.coarse[c] * static_cast<float>(coarse.zero[c]);
  }
  return layer;
}

ByteConversion make_to_bytes(const ByteKernels& kernels, const ByteCode& code, bool image) {
  const auto channels =
      padded(static_cast<std::int64_t>(code.scale.size()), image ? kPixelBytes : kernels.block);
  ByteConversion layer{&kernels, zeros<float>(channels), zeros<float>(channels),
                       padded_zero(code, channels), image};
  for (std::size_t c = 0; c < code.scale.size(); ++c) {
    layer.factor[c] = 1 / code.scale[c];
    layer.offset[c] = static_cast<float>(code.zero[c]);
  }
  return layer;
}

ByteConversion make_to_floats(const ByteKernels& kernels, const ByteCode& code) {
  ByteConversion layer = make_to_bytes(kernels, code, false);
  for (std::size_t c = 0; c < code.scale.size(); ++c) {
    layer.factor[c] = code.scale[c];
    layer.offset[c] = -code.scale[c] * static_cast<float>(code.zero[c]);
  }
  return layer;
}

std::size_t scratch_words(const ByteConvolution& layer) {
  return index(layer.kernel * layer.kernel * layer.in_channels / 4);
}

std::size_t scratch_words(const ByteDepthwise& depthwise, const ByteConvolution&,
                          std::int64_t in_width) {
  const std::int64_t width = (in_width - 1) / depthwise.stride + 1;
  constexpr std::int64_t kLine = 64;
  return index(padded(depthwise.channels, kLine) + width * depthwise.channels + kByteMapSlack) / 4;
}

}  // namespace retinaface::runtime::kernels
