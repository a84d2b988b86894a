#include "interchange/mtcnn_import.h"

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "graph/operators.h"
#include "models/described_model.h"
#include "models/mtcnn.h"

namespace retinaface::interchange {
namespace {

constexpr float kInputScale = 1.0F / 128;

/// A fully connected layer's weight, or that of its 1x1 convolution, has the same elements in
/// order.
bool is_flat_form(const std::vector<std::int64_t>& found, const std::vector<std::int64_t>& wanted) {
  return found.size() == 2 && wanted.size() == 4 && found[0] == wanted[0] &&
         found[1] == wanted[1] * wanted[2] * wanted[3];
}

}  // namespace

bool is_mtcnn(const PyTorchCheckpoint& checkpoint) {
  return checkpoint.tensors.contains("pnet.conv1.weight") &&
         checkpoint.tensors.contains("rnet.conv1.weight") &&
         checkpoint.tensors.contains("onet.conv1.weight");
}

models::LoadedModel import_mtcnn(const PyTorchCheckpoint& checkpoint) {
  const std::string& source = checkpoint.source;
  if (checkpoint.metadata.contains(models::kGraphKey)) {
    fail(ErrorCode::kUnsupported, "{}: expected weights, found a model, which needs no import",
         source);
  }
  const models::Model model = models::mtcnn();
  std::vector<graph::ParameterSpec> wanted;
  std::vector<std::string> first_layers;
  graph::Graph proposals;
  for (const models::SizedNetwork& network : models::networks_of(model, 1, 1)) {
    const std::vector<graph::ParameterSpec> own = graph::parameters(network.graph);
    wanted.insert(wanted.end(), own.begin(), own.end());
    first_layers.push_back(network.graph.nodes()[1].parameter("weight"));
    if (proposals.nodes().empty()) proposals = network.graph;
  }
  graph::Shapes shapes;
  for (const auto& [name, tensor] : checkpoint.tensors) shapes.emplace(name, tensor.shape);
  for (const graph::ParameterSpec& parameter : wanted) {
    const auto found = shapes.find(parameter.name);
    if (found != shapes.end() && is_flat_form(found->second, parameter.shape)) {
      found->second = parameter.shape;
    }
  }
  const std::string complaint = graph::mismatch(wanted, shapes);
  if (!complaint.empty()) {
    fail(ErrorCode::kBadData, "{}: the tensors are not those of MTCNN; {}", source, complaint);
  }

  models::LoadedModel loaded;
  for (const graph::ParameterSpec& parameter : wanted) {
    graph::Tensor tensor =
        to_float32(checkpoint.tensors.find(parameter.name)->second, parameter.name, source);
    tensor.shape = parameter.shape;
    loaded.weights.tensors.emplace(parameter.name, std::move(tensor));
  }
  for (const std::string& layer : first_layers) {
    for (float& value : loaded.weights.tensors.at(layer).values()) value *= kInputScale;
  }
  loaded.weights.metadata = models::describe(model, proposals);
  // What is written is what is read again.
  loaded.described = models::described_model(loaded.weights.metadata, source);
  loaded.model = loaded.described.get();
  loaded.graph = loaded.model->network.build();
  return loaded;
}

}  // namespace retinaface::interchange
