#include "cli/backend_option.h"

#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/tell.h"
#include "detection/detector_factory.h"
#include "models/load_model.h"
#include "runtime/backends/backends.h"
#include "runtime/backends/type_name.h"

namespace retinaface::cli {

void add_backend_option(CLI::App& app, std::string& backend, bool tells_differences) {
  std::string help =
      "what runs the model: one of the list of `retinaface models` (default: the first there that "
      "can)";
  for (const runtime::Backend& each : runtime::backends().backends()) {
    if (!tells_differences || !each.tells_differences) continue;
    help += fmt::format(
        "; {0} runs two, {0}:{1} those, and says on standard error how far their outputs are apart",
        each.name, each.argument);
  }
  app.add_option("--backend", backend, help);
}

OpenedDetector open_typed_detector(const std::string& model, const std::string& backend,
                                   const std::string& type) {
  const models::LoadedModel loaded = models::load_model_by_name_or_path(
      model.empty() ? std::string(models::kDefaultModel) : model, models::MeshReading::kLater);
  const graph::DataType used = runtime::type_of(type, loaded.graph, loaded.weights, backend);
  return {detection::DetectorFactory::make(loaded, backend, {.type = used}),
          used == graph::DataType::kFloat32 ? "" : std::string(graph::to_string(used))};
}

Detector open_detector(const std::string& model, const std::string& backend,
                       const std::string& type) {
  return open_typed_detector(model, backend, type).detector;
}

void print_differences(const Detector& detector) {
  const std::vector<runtime::OutputDifference> differences =
      detection::DetectorFactory::differences(detector);
  if (differences.empty()) return;
  tell("{:<16} {:>12} {:>12}\n", "output", "largest", "relative");
  for (const runtime::OutputDifference& difference : differences) {
    tell("{:<16} {:>12.3g} {:>12.3g}\n", difference.output, difference.absolute,
         difference.relative);
  }
}

}  // namespace retinaface::cli
