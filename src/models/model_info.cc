#include "models/model_info.h"

#include <utility>

#include "base/check.h"
#include "graph/cost.h"
#include "models/builtin_weights.h"
#include "models/input_shape.h"
#include "models/model_files.h"

namespace retinaface {
namespace models {

ModelInfo info_of(const Model& model, const graph::Graph& graph, int width, int height) {
  constexpr int kMaxSide = 65536;
  for (const auto& [name, side] : {std::pair("width", width), {"height", height}}) {
    if (side >= 1 && side <= kMaxSide) continue;
    fail(ErrorCode::kInvalidArgument, "{}: expected 1 to {}, found {}", name, kMaxSide, side);
  }
  ModelInfo info;
  info.name = model.name;
  info.summary = model.summary;
  if (const DetectorSpec* const detector = model.find_detector()) {
    for (const AnchorLevel& level : detector->anchors.levels) {
      info.strides_px.push_back(level.stride_px);
    }
  }
  if (const CascadeSpec* const cascade = model.find_cascade()) {
    for (const SizedNetwork& network : networks_of(model, width, height)) {
      info.parameters += graph::learned_values(graph::parameters(network.graph));
    }
    // Of the windows: how many the stages judge depends on the image.
    for (const CascadeLevel& level : cascade_levels(*cascade, width, height)) {
      info.multiply_adds += graph::cost(graph, {1, 3, level.height, level.width}).multiply_adds;
    }
    return info;
  }
  info.parameters = graph::learned_values(graph::parameters(graph));
  const graph::Shape shape = padded_shape(model.network, width, height);
  if (graph::size_problem(graph, shape).empty()) {
    info.multiply_adds = graph::cost(graph, shape).multiply_adds;
  }
  return info;
}

}  // namespace models

std::vector<ModelInfo> known_models(int width, int height) {
  std::vector<ModelInfo> all;
  for (const models::Model& model : models::catalogue()) {
    ModelInfo& info =
        all.emplace_back(models::info_of(model, model.network.build(), width, height));
    if (!models::builtin_weights(model.name).empty()) {
      info.weights_origin = WeightsOrigin::kBuiltIn;
    } else if (const auto file = models::find_model_file(model.name)) {
      info.weights_origin = WeightsOrigin::kFile;
      info.weights_source = file->string();
    }
  }
  return all;
}

}  // namespace retinaface
