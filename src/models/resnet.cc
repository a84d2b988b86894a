#include "models/resnet.h"

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace retinaface::models {
namespace {

using graph::NodeId;

/// One convolution of a block, each normalised.
struct Layer {
  std::int64_t channels;  ///< of the result, as a multiple of the stage's width
  std::int64_t kernel;
  bool strided;  ///< whether it takes the stage's stride
};

/// What a block adds to its input.
using Block = std::span<const Layer>;

constexpr std::array<Layer, 2> kBasic = {{{1, 3, true}, {1, 3, false}}};
constexpr std::array<Layer, 3> kBottleneck = {{{1, 1, false}, {1, 3, true}, {4, 1, false}}};

/// Builds nodes named as torchvision's modules, which are not numbered in a row as layers.h has it.
class Builder {
 public:
  Builder(graph::Graph& graph, std::string prefix) : graph_(graph), prefix_(std::move(prefix)) {}

  Pyramid build(NodeId image, Block block, const std::array<int, 4>& counts) {
    constexpr std::int64_t kStemChannels = 64;
    NodeId map = conv_bn("conv1", "bn1", image, kStemChannels, 7, 2);
    map = relu("relu", map);
    map = graph_.add(prefix_ + ".maxpool", graph::MaxPool{.kernel = 3, .stride = 2, .padding = 1},
                     {map});
    Pyramid maps;
    std::int64_t channels = kStemChannels;
    for (std::size_t stage = 0; stage < counts.size(); ++stage) {
      const std::int64_t width = std::int64_t{64} << stage;
      for (int i = 0; i < counts[stage]; ++i) {
        const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
        map =
            residual(fmt::format("layer{}.{}", stage + 1, i), map, channels, block, width, stride);
        channels = block.back().channels * width;
      }
      maps.push_back(map);
    }
    return maps;
  }

 private:
  NodeId conv_bn(const std::string& conv, const std::string& norm, NodeId input,
                 std::int64_t channels, std::int64_t kernel, std::int64_t stride) {
    const NodeId sums = graph_.add(
        prefix_ + "." + conv,
        graph::Convolution{
            .out_channels = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2},
        {input});
    return graph_.add(prefix_ + "." + norm, graph::BatchNorm{}, {sums});
  }

  NodeId relu(const std::string& name, NodeId input) {
    return graph_.add(prefix_ + "." + name, graph::LeakyRelu{0}, {input});
  }

  NodeId residual(const std::string& name, NodeId input, std::int64_t in_channels, Block block,
                  std::int64_t width, std::int64_t stride) {
    NodeId map = input;
    for (std::size_t i = 0; i < block.size(); ++i) {
      map = conv_bn(fmt::format("{}.conv{}", name, i + 1), fmt::format("{}.bn{}", name, i + 1), map,
                    block[i].channels * width, block[i].kernel, block[i].strided ? stride : 1);
      if (i + 1 < block.size()) map = relu(fmt::format("{}.relu{}", name, i + 1), map);
    }
    const std::int64_t channels = block.back().channels * width;
    NodeId skip = input;
    if (stride != 1 || in_channels != channels) {
      skip = conv_bn(name + ".downsample.0", name + ".downsample.1", input, channels, 1, stride);
    }
    const NodeId sum = graph_.add(prefix_ + "." + name + ".add", graph::Add{}, {map, skip});
    return relu(name + ".relu", sum);
  }

  graph::Graph& graph_;
  std::string prefix_;
};

}  // namespace

Pyramid resnet18(graph::Graph& graph, const std::string& prefix, NodeId image) {
  return Builder(graph, prefix).build(image, kBasic, {2, 2, 2, 2});
}

Pyramid resnet50(graph::Graph& graph, const std::string& prefix, NodeId image) {
  return Builder(graph, prefix).build(image, kBottleneck, {3, 4, 6, 3});
}

Pyramid resnet152(graph::Graph& graph, const std::string& prefix, NodeId image) {
  return Builder(graph, prefix).build(image, kBottleneck, {3, 8, 36, 3});
}

}  // namespace retinaface::models
