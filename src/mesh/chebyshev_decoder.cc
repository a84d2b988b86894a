#include "mesh/chebyshev_decoder.h"

#include <cmath>

#include "base/check.h"
#include "mesh/chebyshev.h"
#include "mesh/rows.h"
#include "mesh/topology.h"

namespace retinaface::mesh {
namespace {

void add_bias(std::span<const float> bias, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += bias[i % bias.size()];
}

void elu(std::span<float> values) {
  for (float& value : values) {
    if (value < 0) value = std::expm1(value);
  }
}

}  // namespace

ChebyshevDecoder::ChebyshevDecoder(std::size_t channels, std::size_t order)
    : channels_(channels),
      order_(order),
      coarse_(topology().levels[1]),
      fine_(topology().levels[0]) {
  const auto extent = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  const auto add = [&](const char* name, std::vector<std::int64_t> shape) {
    Part part{name, std::move(shape), parts_.empty() ? 0 : size(), 1};
    for (const std::int64_t side : part.shape) part.size *= static_cast<std::size_t>(side);
    parts_.push_back(std::move(part));
  };
  const std::int64_t c = extent(channels);
  const std::int64_t k = extent(order);
  add("mesh.decoder.dense.weight", {extent(coarse_.vertices()), c, extent(kCodes)});
  add("mesh.decoder.dense.bias", {extent(coarse_.vertices()), c});
  add("mesh.decoder.first.weight", {k, c, c});
  add("mesh.decoder.first.bias", {c});
  add("mesh.decoder.second.weight", {k, c, c});
  add("mesh.decoder.second.bias", {c});
  add("mesh.decoder.third.weight", {k, c, extent(kOutputs)});
  add("mesh.decoder.third.bias", {extent(kOutputs)});
}

ChebyshevDecoder::Pass ChebyshevDecoder::forward(std::span<const float> values,
                                                 std::span<const float> codes) const {
  RF_CHECK(values.size() == size() && codes.size() == kCodes);
  Pass pass;
  const auto bias = part(kBias, values);
  pass.h0.assign(bias.begin(), bias.end());
  add_products(part(kWeight, values), codes, pass.h0);
  elu(pass.h0);
  pass.h1 =
      chebyshev_convolution(coarse_, pass.h0, channels_, part(kFirst, values), channels_, order_);
  add_bias(part(kFirstBias, values), pass.h1);
  elu(pass.h1);
  pass.upsampled = upsample(topology().upsampling[0], pass.h1, channels_);
  pass.h2 = chebyshev_convolution(fine_, pass.upsampled, channels_, part(kSecond, values),
                                  channels_, order_);
  add_bias(part(kSecondBias, values), pass.h2);
  elu(pass.h2);
  pass.out =
      chebyshev_convolution(fine_, pass.h2, channels_, part(kThird, values), kOutputs, order_);
  add_bias(part(kThirdBias, values), pass.out);
  return pass;
}

}  // namespace retinaface::mesh
