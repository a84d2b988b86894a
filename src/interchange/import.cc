#include "interchange/import.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "graph/calibration.h"
#include "models/load_model.h"

namespace retinaface::interchange {
namespace {

using models::kBackbonePrefix;
using NamedTensors = std::map<std::string, const StoredTensor*, std::less<>>;

/// nn.DataParallel puts it before every name.
constexpr std::string_view kParallelPrefix = "module.";
constexpr std::string_view kBatchCounter = "num_batches_tracked";
constexpr std::string_view kClassifier = "fc.";

/// The checkpoint's tensors under the names that a model of the catalogue has for them.
struct Renamed {
  NamedTensors tensors;
  bool of_classifier = false;
};

Renamed rename(const PyTorchCheckpoint& checkpoint, Part part) {
  NamedTensors tensors;
  for (const auto& [full_name, tensor] : checkpoint.tensors) {
    std::string_view name = full_name;
    if (name.starts_with(kParallelPrefix)) name.remove_prefix(kParallelPrefix.size());
    if (name.ends_with(kBatchCounter)) continue;
    // What model files of ours have beside a network.
    if (name.starts_with(graph::kCalibrationPrefix) || name.starts_with(models::kMeshPrefix))
      continue;
    if (!tensors.emplace(name, &tensor).second) {
      fail(ErrorCode::kBadData, "{}: holds {} twice, with and without '{}'", checkpoint.source,
           excerpt(name), kParallelPrefix);
    }
  }
  if (part == Part::kWhole) return {std::move(tensors), false};

  const auto in_backbone = [](const auto& entry) {
    return entry.first.starts_with(kBackbonePrefix);
  };
  if (std::ranges::any_of(tensors, in_backbone)) {  // of a detector
    std::erase_if(tensors, [&](const auto& entry) { return !in_backbone(entry); });
    return {std::move(tensors), false};
  }
  NamedTensors prefixed;
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(kClassifier))
      prefixed.emplace(std::string(kBackbonePrefix) + name, tensor);
  }
  return {std::move(prefixed), true};
}

/// Computed once for each model and part: a checkpoint is compared with all models, and the larger
/// ones have hundreds of layers.
const std::vector<graph::ParameterSpec>& parameters(const models::Model& model, Part part) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, Part>, std::vector<graph::ParameterSpec>> computed;
  const std::lock_guard lock(mutex);
  const auto [entry, is_new] = computed.try_emplace({model.name, part});
  std::vector<graph::ParameterSpec>& all = entry->second;
  if (!is_new) return all;
  all = graph::parameters(model.network.build());
  if (part == Part::kBackbone) {
    std::erase_if(all, [](const auto& spec) { return !spec.name.starts_with(kBackbonePrefix); });
  }
  return all;
}

/// Empty when the tensors are exactly the parameters.
std::string complaint(const NamedTensors& tensors, const models::Model& model, Part part) {
  graph::Shapes shapes;
  for (const auto& [name, tensor] : tensors) shapes.emplace(name, tensor->shape);
  return graph::mismatch(parameters(model, part), shapes);
}

void check(const PyTorchCheckpoint& checkpoint, const NamedTensors& tensors,
           const models::Model& model, Part part) {
  const std::string text = complaint(tensors, model, part);
  if (!text.empty()) {
    fail(ErrorCode::kBadData, "{}: the tensors are not those of {}{}; {}", checkpoint.source,
         part == Part::kBackbone ? "the backbone of " : "", model.name, text);
  }
}

/// Lets the layers that see the image do what a classifier's preparation of it does beyond the
/// model's own: w (x / d) = (w / d) x. What lies outside the image is 0 either way.
void divide_input(graph::Weights& weights, const models::NetworkSpec& network) {
  const graph::Graph graph = network.build();
  for (const graph::Node& node : graph.nodes()) {
    if (node.inputs != std::vector<graph::NodeId>{0}) continue;
    graph::Tensor& weight = weights.tensors.at(node.parameter("weight"));
    const auto area = static_cast<std::size_t>(weight.shape[2] * weight.shape[3]);
    const std::span<float> values = weight.values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] /= network.classifier_deviation[i / area % 3];
    }
  }
}

}  // namespace

const models::Model& model_of(const PyTorchCheckpoint& checkpoint, Part part) {
  const NamedTensors tensors = rename(checkpoint, part).tensors;
  std::vector<const models::Model*> fitting;
  for (const models::Model& model : models::catalogue()) {
    const bool fits =
        parameters(model, part).size() == tensors.size() && complaint(tensors, model, part).empty();
    if (fits) fitting.push_back(&model);
  }
  const models::Model& default_model = models::find_model(models::kDefaultModel);
  if (fitting.empty()) check(checkpoint, tensors, default_model, part);

  const auto named = checkpoint.metadata.find("model");
  const std::string_view wish =
      named == checkpoint.metadata.end() ? std::string_view() : named->second;
  for (const std::string_view name : {wish, models::kDefaultModel}) {
    const auto found = std::ranges::find(fitting, name, &models::Model::name);
    if (found != fitting.end()) return **found;
  }
  // More than one: they have this backbone in common.
  return *fitting.front();
}

graph::Weights import_checkpoint(const PyTorchCheckpoint& checkpoint, const models::Model& model,
                                 Part part) {
  const auto [tensors, of_classifier] = rename(checkpoint, part);
  // Before any value is copied, so that no more memory is asked for than the model's own.
  check(checkpoint, tensors, model, part);
  graph::Weights weights{{}, models::metadata(model)};
  if (part == Part::kBackbone) weights.metadata.emplace(models::kPartKey, models::kBackbonePart);
  for (const auto& [name, tensor] : tensors) {
    weights.tensors.emplace(name, to_float32(*tensor, name, checkpoint.source));
  }
  if (of_classifier) divide_input(weights, model.network);
  return weights;
}

graph::Weights import_checkpoint(const std::filesystem::path& path, const models::Model& model,
                                 Part part) {
  return import_checkpoint(read_checkpoint(path), model, part);
}

}  // namespace retinaface::interchange
