#pragma once

#include <memory>
#include <string>

#include "runtime/backend.h"

namespace retinaface::training {

/// The registry of the library with the backends that train, which need libtorch. To be called
/// first before other threads use the registry.
const runtime::BackendRegistry& backends();

/// What a network is trained with.
struct Engine {
  std::string backend;         ///< by its name; empty for the default
  std::string device = "cpu";  ///< one of the backend's
};

/// Throws Error as BackendRegistry::make_trainable.
std::unique_ptr<runtime::TrainableNetwork> make_network(const Engine& engine,
                                                        const graph::Graph& graph,
                                                        const graph::Weights& weights,
                                                        runtime::TrainableOptions options);

}  // namespace retinaface::training
