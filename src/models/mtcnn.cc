#include "models/mtcnn.h"

#include <cstdint>
#include <string>
#include <utility>

#include "models/heads.h"

namespace retinaface::models {
namespace {

/// Adds the layers of one of the three networks, all of whose convolutions are without padding.
class Layers {
 public:
  explicit Layers(std::string network) : network_(std::move(network)) {
    map_ = graph_.add("image", graph::Input{3}, {});
  }

  /// Convolution NAME and the activation PRELU behind it.
  void convolution(const char* name, const char* prelu, std::int64_t channels,
                   std::int64_t kernel) {
    map_ = add(name, graph::Convolution{.out_channels = channels, .kernel = kernel, .bias = true});
    map_ = add(prelu, graph::PRelu{});
  }
  void pool(const char* name, std::int64_t kernel, bool round_up) {
    map_ = add(name, graph::MaxPool{.kernel = kernel, .stride = 2, .round_up = round_up});
  }
  void head(const char* layer, HeadMeaning meaning) {
    const HeadKind& kind = kind_of(meaning);
    graph_.add_output(
        kind.name, add(layer, graph::Convolution{.out_channels = kind.max_values, .bias = true}));
  }
  graph::Graph take() { return std::move(graph_); }

 private:
  graph::NodeId add(const char* name, const graph::Operator& op) {
    return graph_.add(network_ + "." + name, op, {map_});
  }

  std::string network_;
  graph::Graph graph_;
  graph::NodeId map_ = 0;
};

graph::Graph proposal_network() {
  Layers layers("pnet");
  layers.convolution("conv1", "prelu1", 10, 3);
  layers.pool("pool1", 2, true);
  layers.convolution("conv2", "prelu2", 16, 3);
  layers.convolution("conv3", "prelu3", 32, 3);
  layers.head("cls", HeadMeaning::kScore);
  layers.head("box", HeadMeaning::kBox);
  return layers.take();
}

graph::Graph refinement_network() {
  Layers layers("rnet");
  layers.convolution("conv1", "prelu1", 28, 3);
  layers.pool("pool1", 3, true);
  layers.convolution("conv2", "prelu2", 48, 3);
  layers.pool("pool2", 3, true);
  layers.convolution("conv3", "prelu3", 64, 2);
  layers.convolution("fc4", "prelu4", 128, 3);  // the whole map
  layers.head("cls", HeadMeaning::kScore);
  layers.head("box", HeadMeaning::kBox);
  return layers.take();
}

graph::Graph output_network() {
  Layers layers("onet");
  layers.convolution("conv1", "prelu1", 32, 3);
  layers.pool("pool1", 3, true);
  layers.convolution("conv2", "prelu2", 64, 3);
  layers.pool("pool2", 3, false);
  layers.convolution("conv3", "prelu3", 64, 3);
  layers.pool("pool3", 2, true);
  layers.convolution("conv4", "prelu4", 128, 2);
  layers.convolution("fc5", "prelu5", 256, 3);  // the whole map
  layers.head("cls", HeadMeaning::kScore);
  layers.head("box", HeadMeaning::kBox);
  layers.head("landmarks", HeadMeaning::kLandmarks);
  return layers.take();
}

}  // namespace

Model mtcnn() {
  Model model;
  model.name = "mtcnn";
  model.summary = "MTCNN: a cascade of three networks over an image pyramid";
  model.network.build = proposal_network;
  model.network.preprocessing = {.bgr = false, .mean = {127.5F, 127.5F, 127.5F}};
  CascadeSpec cascade;
  cascade.stages = {
      {.build = refinement_network, .side_px = 24, .min_score = 0.7F},
      {.build = output_network, .side_px = 48, .min_score = 0.7F},
  };
  model.purpose = std::move(cascade);
  return model;
}

}  // namespace retinaface::models
