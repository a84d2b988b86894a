#include "training/backends.h"

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "base/check.h"
#include "runtime/autograd/autograd_network.h"
#include "runtime/torch/fused_network.h"

namespace retinaface::training {

using runtime::TrainableBackend;

std::span<const TrainableBackend* const> backends() {
  static const std::array<const TrainableBackend*, 2> all = {&runtime::fused_backend(),
                                                             &runtime::autograd_backend()};
  return all;
}

const TrainableBackend& find_backend(const std::string& name) {
  if (name.empty()) return *backends().front();
  const auto found = std::ranges::find(backends(), name, &TrainableBackend::name);
  if (found == backends().end()) {
    std::vector<std::string_view> names;
    for (const TrainableBackend* backend : backends()) names.push_back(backend->name);
    fail(ErrorCode::kInvalidArgument, "expected a training backend ({}), found '{}'",
         fmt::join(names, ", "), name);
  }
  return **found;
}

std::unique_ptr<runtime::TrainableNetwork> make_network(const Engine& engine,
                                                        const graph::Graph& graph,
                                                        const graph::Weights& weights,
                                                        runtime::TrainableOptions options) {
  options.device = engine.device;
  return find_backend(engine.backend).create(graph, weights, std::move(options));
}

}  // namespace retinaface::training
