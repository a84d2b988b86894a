#include "models/mobilenet.h"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"

namespace retinaface::models {
namespace {

using graph::NodeId;

constexpr float kSlope = 0.1F;

struct Block {
  std::int64_t out_channels;
  std::int64_t stride;
};

/// Depthwise 3x3 and pointwise 1x1 convolution, each normalised and activated.
NodeId separable(graph::Graph& graph, const std::string& name, NodeId input,
                 std::int64_t in_channels, const Block& block) {
  const NodeId depthwise = conv_bn_relu(graph, name, 0, input, in_channels, kSlope,
                                        {.stride = block.stride, .groups = in_channels});
  return conv_bn_relu(graph, name, 3, depthwise, block.out_channels, kSlope, {.kernel = 1});
}

}  // namespace

Pyramid mobilenet025(graph::Graph& graph, const std::string& prefix, NodeId image,
                     const MobileNetStem& stem) {
  RF_CHECK(stem.stride == 2 || stem.stride == 4);
  constexpr std::int64_t kStemChannels = 8;
  const std::array<std::vector<Block>, 3> stages = {{
      {{16, 1}, {32, 4 / stem.stride}, {32, 1}, {64, 2}, {64, 1}},
      {{128, 2}, {128, 1}, {128, 1}, {128, 1}, {128, 1}, {128, 1}},
      {{256, 2}, {256, 1}},
  }};

  NodeId map = conv_bn_relu(graph, prefix + ".stage1.0", 0, image, kStemChannels, kSlope,
                            {.kernel = stem.kernel, .stride = stem.stride});
  std::int64_t channels = kStemChannels;
  Pyramid pyramid;
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    std::size_t index = stage == 0 ? 1 : 0;  // the stem is block 0 of stage 1
    for (const Block& block : stages[stage]) {
      const std::string name = fmt::format("{}.stage{}.{}", prefix, stage + 1, index++);
      map = separable(graph, name, map, channels, block);
      channels = block.out_channels;
    }
    pyramid.push_back(map);
  }
  return pyramid;
}

}  // namespace retinaface::models
