#pragma once

#include <memory>
#include <string>

#include "graph/graph.h"
#include "graph/weights.h"
#include "runtime/device.h"
#include "runtime/trainable_network.h"

namespace retinaface::training {

/// What a network is trained with.
struct Engine {
  std::string backend;                       ///< by its name; empty for the default
  std::string device = runtime::kProcessor;  ///< one of the backend's
};

/// Throws Error as BackendRegistry::make_trainable.
std::unique_ptr<runtime::TrainableNetwork> make_network(const Engine& engine,
                                                        const graph::Graph& graph,
                                                        const graph::Weights& weights,
                                                        runtime::TrainableOptions options);

}  // namespace retinaface::training
