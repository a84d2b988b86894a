#include "runtime/backends/type_name.h"

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "runtime/backends/backends.h"

namespace retinaface::runtime {
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

graph::DataType type_of(std::string_view name, const graph::Graph& graph,
                        const graph::Weights& weights, const std::string& backend) {
  if (name.empty()) return graph::DataType::kFloat32;
  if (name == kAuto) return backends().fastest_type(graph, weights, backend);
  const auto* const type =
      std::ranges::find(kTypes, name, [](auto t) { return graph::to_string(t); });
  if (type == kTypes.end()) {
    fail(ErrorCode::kInvalidArgument, "type: expected one of {}, found '{}'",
         fmt::join(type_names(), ", "), excerpt(std::string(name)));
  }
  return *type;
}

}  // namespace retinaface::runtime
