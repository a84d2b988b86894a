#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mesh/decoder.h"
#include "mesh/laplacian.h"

namespace retinaface::mesh {

/// The paper's mesh decoder: from 128 codes to a coloured mesh by graph convolutions on two levels
/// of the topology. With G the fast localised spectral convolution (mesh/chebyshev.h), U the
/// up-sampling, C channels and elu(x) = max(x, 0) + min(0, e^x - 1):
///
///     h0 = elu(W c + b)           (256, C), each vertex by its own row of W
///     h1 = elu(G(h0; t1) + b1)    (256, C)
///     h2 = elu(G(U h1; t2) + b2)  (1024, C)
///     o  = G(h2; t3) + b3         (1024, 6)
///     xyz = 0.1 o_0..2,  rgb = 0.15 o_3..5, which are added to the means
///
/// What its values are is kept apart, so that they can be learnt.
class ChebyshevDecoder {
 public:
  static constexpr std::size_t kOutputs = 6;
  static constexpr float kShapeStep = 0.1F;
  static constexpr float kTextureStep = 0.15F;

  ChebyshevDecoder(std::size_t channels, std::size_t order);

  /// The tensors, one after the other among the values.
  struct Part {
    std::string name;
    std::vector<std::int64_t> shape;
    std::size_t offset = 0;
    std::size_t size = 0;
  };
  enum Parts { kWeight, kBias, kFirst, kFirstBias, kSecond, kSecondBias, kThird, kThirdBias };
  const std::vector<Part>& parts() const { return parts_; }
  std::size_t size() const { return parts_.back().offset + parts_.back().size; }
  std::span<const float> part(Parts which, std::span<const float> values) const {
    return values.subspan(parts_[which].offset, parts_[which].size);
  }

  /// What the layers yield, as their formulas name it; `upsampled` is U h1.
  struct Pass {
    std::vector<float> h0;
    std::vector<float> h1;
    std::vector<float> upsampled;
    std::vector<float> h2;
    std::vector<float> out;
  };
  /// Of kCodes codes.
  Pass forward(std::span<const float> values, std::span<const float> codes) const;

  std::size_t channels() const { return channels_; }
  std::size_t order() const { return order_; }
  const ScaledLaplacian& coarse() const { return coarse_; }
  const ScaledLaplacian& fine() const { return fine_; }

 private:
  std::size_t channels_;
  std::size_t order_;
  ScaledLaplacian coarse_;
  ScaledLaplacian fine_;
  std::vector<Part> parts_;
};

}  // namespace retinaface::mesh
