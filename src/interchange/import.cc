#include "interchange/import.h"

#include <algorithm>
#include <optional>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::interchange {
namespace {

using models::kBackbonePrefix;
using NamedTensors = std::map<std::string, const StoredTensor*, std::less<>>;

/// nn.DataParallel puts it before every name.
constexpr std::string_view kParallelPrefix = "module.";
constexpr std::string_view kBatchCounter = "num_batches_tracked";
constexpr std::string_view kClassifier = "fc.";

/// The checkpoint's tensors under the names that a model of the catalogue has for them.
NamedTensors rename(const Checkpoint& checkpoint, Part part) {
  NamedTensors tensors;
  for (const auto& [full_name, tensor] : checkpoint.tensors) {
    std::string_view name = full_name;
    if (name.starts_with(kParallelPrefix)) name.remove_prefix(kParallelPrefix.size());
    if (name.ends_with(kBatchCounter)) continue;
    if (!tensors.emplace(name, &tensor).second) {
      fail(ErrorCode::kBadData, "{}: holds {} twice, with and without '{}'", checkpoint.source,
           excerpt(name), kParallelPrefix);
    }
  }
  if (part == Part::kWhole) return tensors;

  const auto in_backbone = [](const auto& entry) {
    return entry.first.starts_with(kBackbonePrefix);
  };
  if (std::ranges::any_of(tensors, in_backbone)) {  // of a detector
    std::erase_if(tensors, [&](const auto& entry) { return !in_backbone(entry); });
    return tensors;
  }
  NamedTensors prefixed;
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(kClassifier))
      prefixed.emplace(std::string(kBackbonePrefix) + name, tensor);
  }
  return prefixed;
}

std::vector<graph::ParameterSpec> parameters(const models::Model& model, Part part) {
  std::vector<graph::ParameterSpec> all = graph::parameters(model.build());
  if (part == Part::kBackbone) {
    std::erase_if(all, [](const auto& entry) { return !entry.name.starts_with(kBackbonePrefix); });
  }
  return all;
}

/// Empty when the tensors are exactly the parameters.
std::string complaint(const NamedTensors& tensors, const models::Model& model, Part part) {
  graph::Shapes shapes;
  for (const auto& [name, tensor] : tensors) shapes.emplace(name, tensor->shape);
  return graph::mismatch(parameters(model, part), shapes);
}

void check(const Checkpoint& checkpoint, const NamedTensors& tensors, const models::Model& model,
           Part part) {
  const std::string text = complaint(tensors, model, part);
  if (!text.empty()) {
    fail(ErrorCode::kBadData, "{}: the tensors are not those of {}{}; {}", checkpoint.source,
         part == Part::kBackbone ? "the backbone of " : "", model.name, text);
  }
}

}  // namespace

const models::Model& model_of(const Checkpoint& checkpoint, Part part) {
  const NamedTensors tensors = rename(checkpoint, part);
  std::vector<const models::Model*> fitting;
  for (const models::Model& model : models::catalogue()) {
    if (complaint(tensors, model, part).empty()) fitting.push_back(&model);
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
  if (fitting.size() > 1) {
    std::vector<std::string_view> names;
    for (const models::Model* const model : fitting) names.push_back(model->name);
    fail(ErrorCode::kInvalidArgument, "{}: may be any of the models {}: say which",
         checkpoint.source, fmt::join(names, ", "));
  }
  return *fitting.front();
}

graph::Weights import_checkpoint(const Checkpoint& checkpoint, const models::Model& model,
                                 Part part) {
  const NamedTensors tensors = rename(checkpoint, part);
  // Before any value is copied, so that no more memory is asked for than the model's own.
  check(checkpoint, tensors, model, part);
  graph::Weights weights{{}, models::metadata(model)};
  if (part == Part::kBackbone) weights.metadata.emplace(models::kPartKey, models::kBackbonePart);
  for (const auto& [name, tensor] : tensors) {
    weights.tensors.emplace(name, to_float32(*tensor, name, checkpoint.source));
  }
  return weights;
}

graph::Weights import_checkpoint(const std::filesystem::path& path, const models::Model& model,
                                 Part part) {
  return import_checkpoint(read_checkpoint(path), model, part);
}

}  // namespace retinaface::interchange
