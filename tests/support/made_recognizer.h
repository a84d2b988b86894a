#pragma once

#include <filesystem>

#include "graph/graph.h"
#include "graph/weights.h"
#include "models/described_model.h"

namespace retinaface::testing {

/// Writes the file of a made-up recogniser, of four values.
inline void write_made_recognizer(const std::filesystem::path& file) {
  graph::Graph graph;
  const graph::NodeId image = graph.add("image", graph::Input{3}, {});
  graph.add_output("embedding",
                   graph.add("all", graph::Convolution{.out_channels = 4, .kernel = 112}, {image}));
  models::Model model;
  model.name = "made-up";
  model.network.preprocessing = {.bgr = false, .mean = {127.5F, 127.5F, 127.5F}};
  model.purpose = models::RecognizerSpec{};
  graph::Weights weights = graph::random_weights(graph, 3);
  weights.metadata = models::describe(model, graph);
  graph::write_safetensors(file, weights);
}

}  // namespace retinaface::testing
