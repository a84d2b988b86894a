#pragma once

#include "detection/detector_factory.h"
#include "graph/graph.h"
#include "models/load_model.h"

namespace retinaface::testing {

/// The default model with an output besides for which the sides of images must be multiples of 128:
/// a network that takes 256x256, as each of a file must, but not 640x480.
inline Detector detector_of_few_sizes() {
  constexpr int kStride = 128;
  models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  const auto pool = [&](const char* name, bool round_up) {
    return model.graph.add(
        name, graph::MaxPool{.kernel = kStride, .stride = kStride, .round_up = round_up}, {0});
  };
  model.graph.add_output(
      "sum", model.graph.add("add", graph::Add{}, {pool("down", false), pool("up", true)}));
  return detection::DetectorFactory::make(model, RuntimeOptions{});
}

}  // namespace retinaface::testing
