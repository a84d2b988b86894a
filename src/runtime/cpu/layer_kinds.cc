#include "runtime/cpu/layer_kinds.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/check.h"

namespace retinaface::runtime::cpu {

bool is_depthwise(const ConvolutionStep& conv) {
  const auto& c = conv.convolution;
  return c.groups == c.out_channels && c.groups > 1 && conv.weight.shape[1] == 1 && c.kernel == 3 &&
         c.padding == 1 && c.stride <= 2;
}

ValueId addend_of(const ConvolutionStep& conv) {
  const bool adds = !conv.post_ops.empty() && conv.post_ops[0].kind == PostOp::Kind::kAdd;
  return adds ? conv.post_ops[0].addend : kNoValue;
}

std::optional<std::vector<float>> slopes_of(const ConvolutionStep& conv) {
  const auto channels = static_cast<std::size_t>(conv.convolution.out_channels);
  const auto rest = std::span(conv.post_ops).subspan(addend_of(conv) == kNoValue ? 0 : 1);
  if (rest.empty()) return std::vector<float>(channels, 1.0F);
  if (rest.size() > 1) return std::nullopt;
  switch (rest[0].kind) {
    case PostOp::Kind::kLeakyRelu:
      return std::vector<float>(channels, rest[0].slope);
    case PostOp::Kind::kPRelu:
      return std::vector<float>(rest[0].slopes->values().begin(), rest[0].slopes->values().end());
    case PostOp::Kind::kAdd:
      return std::nullopt;
  }
  RF_CHECK(false);
}

bool is_convex(const ConvolutionStep& conv) {
  const auto slopes = slopes_of(conv);
  return slopes && std::ranges::all_of(*slopes, [](float slope) { return slope <= 1; });
}

std::optional<float> slope_of(const ConvolutionStep& conv) {
  if (conv.post_ops.empty()) return 1.0F;
  const PostOp& only = conv.post_ops[0];
  const bool relu = conv.post_ops.size() == 1 && only.kind == PostOp::Kind::kLeakyRelu;
  return relu && only.slope >= 0 && only.slope <= 1 ? std::optional(only.slope) : std::nullopt;
}

}  // namespace retinaface::runtime::cpu
