#include "cli/type_option.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "cli/values.h"
#include "runtime/backends/backends.h"

namespace retinaface::cli {
namespace {

constexpr std::string_view kAuto = "auto";
constexpr std::array kTypes = {graph::DataType::kFloat32, graph::DataType::kBFloat16,
                               graph::DataType::kInt8};

}  // namespace

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const graph::DataType type : kTypes) names.emplace_back(graph::to_string(type));
  names.emplace_back(kAuto);
  return names;
}

void add_type_option(CLI::App& app, std::string& type) {
  app.add_option("--type", type,
                 "numbers that the network computes in (default: float32); auto takes the fastest "
                 "that the processor and the model have and that is as accurate to within bounds; "
                 "int8 needs a model with calibration: `retinaface quantize`")
      ->check(one_of(type_names()));
}

graph::DataType type_of(std::string_view name, const models::LoadedModel& model,
                        const std::string& backend) {
  if (name.empty()) return graph::DataType::kFloat32;
  if (name == kAuto) return runtime::backends().fastest_type(model.graph, model.weights, backend);
  const auto* const type =
      std::ranges::find(kTypes, name, [](auto t) { return graph::to_string(t); });
  RF_CHECK(type != kTypes.end());
  return *type;
}

}  // namespace retinaface::cli
