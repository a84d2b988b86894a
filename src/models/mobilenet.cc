#include "models/mobilenet.h"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"

namespace retinaface::models {
namespace {

using graph::NodeId;

struct Block {
  std::int64_t out_channels;
  std::int64_t stride;
};

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

  NodeId map = conv_bn_relu(graph, prefix + ".stage1.0", 0, image, kStemChannels, kLeakySlope,
                            {.kernel = stem.kernel, .stride = stem.stride});
  std::int64_t channels = kStemChannels;
  Pyramid pyramid;
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    std::size_t index = stage == 0 ? 1 : 0;  // the stem is block 0 of stage 1
    for (const Block& block : stages[stage]) {
      const std::string name = fmt::format("{}.stage{}.{}", prefix, stage + 1, index++);
      map = separable(graph, name, map, channels, block.out_channels, block.stride);
      channels = block.out_channels;
    }
    pyramid.push_back(map);
  }
  return pyramid;
}

}  // namespace retinaface::models
