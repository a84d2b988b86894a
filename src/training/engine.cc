#include "training/engine.h"

#include "runtime/training_backends/training_backends.h"

namespace retinaface::training {

std::unique_ptr<runtime::TrainableNetwork> make_network(const Engine& engine,
                                                        const graph::Graph& graph,
                                                        const graph::Weights& weights,
                                                        runtime::TrainableOptions options) {
  options.device = engine.device;
  return runtime::training_backends().make_trainable(graph, weights, engine.backend, options);
}

}  // namespace retinaface::training
