#include "runtime/trainable_network.h"

#include <algorithm>
#include <variant>

#include "base/check.h"
#include "graph/operators.h"

namespace retinaface::runtime {
namespace {

/// The nodes whose maps are the offsets of deformable convolutions.
std::vector<bool> offset_nodes(const graph::Graph& graph) {
  std::vector<bool> result(graph.nodes().size(), false);
  for (const graph::Node& node : graph.nodes()) {
    if (!std::holds_alternative<graph::DeformableConvolution>(node.op)) continue;
    result[static_cast<std::size_t>(node.inputs[1])] = true;
  }
  return result;
}

ParameterSlot make_slot(const graph::Node& node, const graph::ParameterSpec& spec,
                        std::size_t offset, std::span<const std::string> frozen) {
  const std::string_view name = spec.name;
  ParameterSlot slot = {.name = spec.name, .shape = spec.shape, .offset = offset, .size = 1};
  for (const std::int64_t extent : spec.shape) slot.size *= static_cast<std::size_t>(extent);
  slot.of_norm = std::holds_alternative<graph::BatchNorm>(node.op);
  slot.is_bias = name.ends_with(".bias");
  slot.statistic = name.ends_with(".running_mean") || name.ends_with(".running_var");
  slot.trainable = !slot.statistic && std::ranges::none_of(frozen, [&](const std::string& prefix) {
    return name.starts_with(prefix);
  });
  return slot;
}

}  // namespace

std::vector<ParameterSlot> parameter_slots(const graph::Graph& graph,
                                           std::span<const std::string> frozen) {
  const std::vector<graph::Shape> shapes = graph::channel_shapes(graph);
  const std::vector<bool> offsets = offset_nodes(graph);
  std::vector<ParameterSlot> slots;
  std::size_t size = 0;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const graph::Node& node = graph.nodes()[id];
    for (const auto& spec : graph::parameters(node, graph::input_shapes(node, shapes))) {
      slots.push_back(make_slot(node, spec, size, frozen));
      slots.back().of_offsets = offsets[id];
      size += slots.back().size;
    }
  }
  return slots;
}

graph::Weights weights_from(std::span<const ParameterSlot> slots, std::span<const float> values) {
  graph::Weights weights;
  for (const ParameterSlot& slot : slots) {
    graph::Tensor tensor = graph::Tensor::of_shape(slot.shape);
    std::ranges::copy(values.subspan(slot.offset, slot.size), tensor.values().begin());
    weights.tensors.emplace(slot.name, std::move(tensor));
  }
  return weights;
}

TrainableNetwork::TrainableNetwork(const graph::Graph& graph, const graph::Weights& weights,
                                   std::span<const std::string> frozen)
    : slots_(parameter_slots(graph, frozen)) {
  const std::size_t size = slots_.empty() ? 0 : slots_.back().offset + slots_.back().size;
  values_.resize(size);
  gradients_.resize(size);
  for (const ParameterSlot& slot : slots_) {
    std::ranges::copy(graph::as_float32(weights.at(slot.name)).values(),
                      values_.begin() + static_cast<std::ptrdiff_t>(slot.offset));
  }
}

void TrainableNetwork::clear_gradients() {
  std::ranges::fill(gradients_, 0.0F);
}

}  // namespace retinaface::runtime
