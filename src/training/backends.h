#pragma once

#include <memory>
#include <span>
#include <string>

#include "runtime/trainable_network.h"

namespace retinaface::training {

/// The engines that training can use, the default first.
std::span<const runtime::TrainableBackend* const> backends();

/// The backend called `name`, the default for "". Throws Error(kInvalidArgument) that lists what
/// there is.
const runtime::TrainableBackend& find_backend(const std::string& name);

/// What a network is trained with.
struct Engine {
  std::string backend;         ///< by its name; empty for the default
  std::string device = "cpu";  ///< one of the backend's
};

/// Throws Error as find_backend and the backend's create do.
std::unique_ptr<runtime::TrainableNetwork> make_network(const Engine& engine,
                                                        const graph::Graph& graph,
                                                        const graph::Weights& weights,
                                                        runtime::TrainableOptions options);

}  // namespace retinaface::training
