#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/weights.h"
#include "runtime/runtime.h"

namespace retinaface::runtime::testing {

/// Random weights with normalisation statistics that are not the identity, so that folding shows,
/// and with offsets of deformable convolutions that differ from cell to cell.
inline graph::Weights lively_weights(const graph::Graph& graph, std::uint64_t seed) {
  graph::Weights weights = graph::random_weights(graph, seed);
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<float> around_one(0.7F, 1.3F);
  std::uniform_real_distribution<float> around_zero(-0.3F, 0.3F);
  for (auto& [name, tensor] : weights.tensors) {
    if (name.ends_with(".offset.weight")) {
      const auto inputs =
          static_cast<float>(tensor.values().size()) / static_cast<float>(tensor.shape[0]);
      for (float& value : tensor.values()) value = 6 * around_zero(generator) / std::sqrt(inputs);
    }
    if (tensor.shape.size() != 1) continue;
    const bool scale = name.ends_with(".weight") || name.ends_with("_var");
    for (float& value : tensor.values())
      value = scale ? around_one(generator) : around_zero(generator);
  }
  return weights;
}

/// For whole networks: maps of random residual networks grow by orders of magnitude, and offsets in
/// proportion to them would amplify what rounding leaves.
inline void weaken_offsets(graph::Weights& weights) {
  for (auto& [name, tensor] : weights.tensors) {
    if (!name.ends_with(".offset.weight")) continue;
    for (float& value : tensor.values()) value *= 1e-3F;
  }
}

/// One image's output, planar.
inline std::vector<float> planar(const FeatureMap& map) {
  std::vector<float> values;
  for (std::int64_t c = 0; c < map.channels; ++c) {
    for (std::int64_t cell = 0; cell < map.cells(); ++cell) {
      values.push_back(map.channel(c)[cell * map.block]);
    }
  }
  return values;
}

/// All outputs, planar, for an image of random values in [-1, 1).
inline std::vector<std::vector<float>> outputs_for_noise(const graph::Graph& graph,
                                                         Session& session, std::int64_t height,
                                                         std::int64_t width, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<float> noise(-1, 1);
  for (float& value : session.input(1, height, width).values()) {
    value = noise(generator);
  }
  session.run();
  std::vector<std::vector<float>> outputs;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    outputs.push_back(planar(session.output(i)));
  }
  return outputs;
}

/// The number of outputs, over all images of a batch of noise, that differ from those of the image
/// alone.
inline int outputs_changed_by_batching(const graph::Graph& graph, const Network& network,
                                       std::int64_t images, std::int64_t height,
                                       std::int64_t width) {
  const auto batch = network.new_session();
  const auto alone = network.new_session();
  std::mt19937_64 generator(11);
  std::uniform_real_distribution<float> noise(-1, 1);
  const InputMap input = batch->input(images, height, width);
  for (float& value : input.values()) value = noise(generator);
  const std::vector<float> written(input.values().begin(), input.values().end());
  batch->run();
  int changed = 0;
  const std::size_t per_image = written.size() / static_cast<std::size_t>(images);
  for (std::int64_t n = 0; n < images; ++n) {
    std::copy_n(
        written.begin() + static_cast<std::ptrdiff_t>(n) * static_cast<std::ptrdiff_t>(per_image),
        per_image, alone->input(1, height, width).values().begin());
    alone->run();
    for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
      changed += planar(batch->output(i).image(n)) != planar(alone->output(i));
    }
  }
  return changed;
}

/// The weights rounded to a type of 16 bits (towards 0), and the same numbers in float32.
inline std::pair<graph::Weights, graph::Weights> narrowed(const graph::Weights& weights) {
  std::pair<graph::Weights, graph::Weights> result;
  result.first.metadata = result.second.metadata = weights.metadata;
  for (const auto& [name, tensor] : weights.tensors) {
    if (tensor.type != graph::DataType::kFloat32) continue;  // of a calibration
    graph::Tensor narrow = graph::Tensor::of_shape(tensor.shape, graph::DataType::kBFloat16);
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      narrow.values<graph::BFloat16>()[i].bits =
          static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(tensor.values()[i]) >> 16);
    }
    result.second.tensors.emplace(name, graph::as_float32(narrow));
    result.first.tensors.emplace(name, std::move(narrow));
  }
  return result;
}

/// Largest difference, relative to the largest value of `expected`. Infinite when sizes differ.
inline double relative_difference(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size()) return INFINITY;
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(double{expected[i]}));
    const double d = std::abs(double{actual[i]} - double{expected[i]});
    if (!(d <= difference)) difference = d;  // a NaN sticks
  }
  return largest > 0 ? difference / largest : difference;
}

}  // namespace retinaface::runtime::testing
