#include "training/backends.h"

#include <utility>

#include "runtime/autograd/autograd_network.h"
#include "runtime/backends/backends.h"
#include "runtime/torch/fused_network.h"

namespace retinaface::training {

const runtime::BackendRegistry& backends() {
  static const runtime::BackendRegistry& all = []() -> const runtime::BackendRegistry& {
    runtime::backends().add(runtime::fused_backend());
    runtime::backends().add(runtime::autograd_backend());
    return runtime::backends();
  }();
  return all;
}

std::unique_ptr<runtime::TrainableNetwork> make_network(const Engine& engine,
                                                        const graph::Graph& graph,
                                                        const graph::Weights& weights,
                                                        runtime::TrainableOptions options) {
  options.device = engine.device;
  return backends().make_trainable(graph, weights, engine.backend, options);
}

}  // namespace retinaface::training
