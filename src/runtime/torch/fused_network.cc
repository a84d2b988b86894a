#include "runtime/torch/fused_network.h"

#include <algorithm>
#include <map>
#include <ranges>
#include <set>
#include <string_view>
#include <variant>

#include <ATen/ATen.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/overloaded.h"
#include "graph/operators.h"
#include "runtime/torch/deformable_layer.h"
#include "runtime/torch/map_retention.h"
#include "runtime/torch/norm_layer.h"
#include "runtime/torch/training_plan.h"
#include "runtime/torch/winograd_layer.h"

namespace retinaface::runtime {
namespace {

using graph::NodeId;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

std::size_t index(NodeId id) {
  return static_cast<std::size_t>(id);
}

/// The parameters of a convolution, plain or deformable, as tensors over the flat arrays.
struct ConvolutionLayer {
  at::Tensor weight;
  at::Tensor weight_gradient;
  at::Tensor bias;  ///< undefined without
  at::Tensor bias_gradient;
  at::Tensor cast_weight;  ///< in the precision of the maps
  bool trainable = true;
};

bool has_bias(const graph::Operator& op) {
  if (const auto* conv = std::get_if<graph::Convolution>(&op)) return conv->bias;
  return std::get<graph::DeformableConvolution>(op).bias;
}

[[noreturn]] void refuse(const graph::Node& node, const std::string& what) {
  fail(ErrorCode::kUnsupported,
       "the fused training engine cannot train {} '{}': {}; the engine autograd may",
       graph::operator_name(node.op), node.name, what);
}

/// Whether the steps below have a derivative of the operator: those of other people's networks,
/// which are run and not trained, have none.
struct HasDerivative {
  bool operator()(const graph::Input&) const { return true; }
  bool operator()(const graph::Convolution&) const { return true; }
  bool operator()(const graph::DeformableConvolution&) const { return true; }
  bool operator()(const graph::BatchNorm&) const { return true; }
  bool operator()(const graph::LeakyRelu&) const { return true; }
  bool operator()(const graph::Add&) const { return true; }
  bool operator()(const graph::Concat&) const { return true; }
  bool operator()(const graph::UpsampleLike&) const { return true; }
  bool operator()(const graph::MaxPool& pool) const { return !pool.round_up; }
  bool operator()(const graph::AveragePool&) const { return false; }
  bool operator()(const graph::GlobalAveragePool&) const { return false; }
  bool operator()(const graph::PRelu&) const { return false; }
  bool operator()(const graph::Sigmoid&) const { return false; }
  bool operator()(const graph::Softmax&) const { return false; }
  bool operator()(const graph::Clip&) const { return false; }
  bool operator()(const graph::Arithmetic&) const { return false; }
  bool operator()(const graph::Pad&) const { return false; }
  bool operator()(const graph::GridSample&) const { return false; }
};

/// In a visitor of operators, what check_trainable has refused.
struct Refused {
  void operator()(const graph::AveragePool&) const { RF_CHECK(false); }
  void operator()(const graph::GlobalAveragePool&) const { RF_CHECK(false); }
  void operator()(const graph::PRelu&) const { RF_CHECK(false); }
  void operator()(const graph::Sigmoid&) const { RF_CHECK(false); }
  void operator()(const graph::Softmax&) const { RF_CHECK(false); }
  void operator()(const graph::Clip&) const { RF_CHECK(false); }
  void operator()(const graph::Arithmetic&) const { RF_CHECK(false); }
  void operator()(const graph::Pad&) const { RF_CHECK(false); }
  void operator()(const graph::GridSample&) const { RF_CHECK(false); }
};

/// What operators allow and the steps below do not.
void check_trainable(const graph::Graph& graph, std::span<const ForwardStep> steps) {
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const graph::Node& node = graph.nodes()[id];
    if (std::holds_alternative<graph::Input>(node.op) != (id == 0)) {
      refuse(node, "expected one Input, as the first node");
    }
    if (!std::visit(HasDerivative{}, node.op)) refuse(node, "it has no derivative here");
  }
  for (const ForwardStep& step : steps) {
    const graph::Node& node = graph.node(step.node);
    const auto* const relu = std::get_if<graph::LeakyRelu>(&node.op);
    if (relu != nullptr && !(relu->slope >= 0)) {
      refuse(node, fmt::format("expected a slope of at least 0, found {}", relu->slope));
    }
  }
}

class FusedNetwork final : public TrainableNetwork {
 public:
  FusedNetwork(const graph::Graph& graph, const graph::Weights& weights, TrainableOptions options);

  std::span<float> input(std::int64_t n, std::int64_t h, std::int64_t w) override;
  void forward() override;
  OutputBatch output(std::size_t index) override;
  std::span<float> output_gradient(std::size_t index) override;
  void backward() override;

 private:
  at::Tensor over(std::vector<float>& flat, const ParameterSlot& slot);
  void make_layers();
  void find_gradient_paths();

  /// What a step is run for: the outputs, or the maps that its derivatives need.
  enum class Pass { kForward, kRepeated };

  void run(const ForwardStep& step, Pass pass);
  void repeat(const StepSegment& segment);
  at::Tensor convolve(NodeId node);
  void normalize(const ForwardStep& step, Pass pass);
  void run_back(const ForwardStep& step);
  void convolve_back(NodeId node, const at::Tensor& gradient);
  void deform_back(NodeId node, const at::Tensor& gradient);
  void normalize_back(const ForwardStep& step, const at::Tensor& gradient);
  void add_gradient(NodeId node, const at::Tensor& gradient);

  const at::Tensor& input_of(NodeId node, std::size_t which = 0) const {
    return maps_[index(graph_.node(node).inputs[which])];
  }
  const graph::Shape& input_shape(NodeId node, std::size_t which = 0) const {
    return shapes_[index(graph_.node(node).inputs[which])];
  }

  graph::Graph graph_;
  TrainableOptions options_;
  std::vector<ForwardStep> steps_;
  MapRetention retention_;
  std::map<NodeId, ConvolutionLayer> convolutions_;
  std::map<NodeId, NormLayer> norms_;
  std::vector<bool> needs_gradient_;  ///< by node: something that learns lies at or before it
  std::vector<graph::Shape> shapes_;  ///< by node, of the last batch
  graph::Shape input_shape_;
  std::vector<float> images_;
  std::vector<at::Tensor> outputs_;                   ///< float32, channels last
  std::vector<std::vector<float>> output_gradients_;  ///< by output
  std::vector<at::Tensor> maps_;                      ///< by node, as long as something needs them
  std::vector<at::Tensor> gradient_of_;               ///< by node
};

FusedNetwork::FusedNetwork(const graph::Graph& graph, const graph::Weights& weights,
                           TrainableOptions options)
    : TrainableNetwork(graph, weights, options.frozen),
      graph_(graph),
      options_(std::move(options)),
      steps_(plan_training(graph_)),
      retention_(plan_retention(graph_, steps_, options_.recompute)),
      output_gradients_(graph_.outputs().size()) {
  check_trainable(graph_, steps_);
  make_layers();
  find_gradient_paths();
}

at::Tensor FusedNetwork::over(std::vector<float>& flat, const ParameterSlot& slot) {
  return at::from_blob(flat.data() + slot.offset, slot.shape, at::kFloat);
}

void FusedNetwork::make_layers() {
  std::map<std::string_view, const ParameterSlot*> by_name;
  for (const ParameterSlot& slot : slots_) by_name[slot.name] = &slot;
  const auto span_of = [&](std::vector<float>& flat, const std::string& name) {
    const ParameterSlot& slot = *by_name.at(name);
    return std::span(flat).subspan(slot.offset, slot.size);
  };
  for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
    const graph::Node& node = graph_.node(id);
    if (!graph::is_convolution(node.op)) continue;
    const ParameterSlot& weight = *by_name.at(node.parameter("weight"));
    ConvolutionLayer layer;
    layer.trainable = weight.trainable;
    layer.weight = over(values_, weight);
    layer.weight_gradient = over(gradients_, weight);
    if (has_bias(node.op)) {
      layer.bias = over(values_, *by_name.at(node.parameter("bias")));
      layer.bias_gradient = over(gradients_, *by_name.at(node.parameter("bias")));
    }
    convolutions_.emplace(id, std::move(layer));
  }
  for (const ForwardStep& step : steps_) {
    const graph::Node& node = graph_.node(step.node);
    const auto* norm = std::get_if<graph::BatchNorm>(&node.op);
    if (norm == nullptr) continue;
    const bool trainable = by_name.at(node.parameter("weight"))->trainable;
    const NormParameters parameters = {
        .weight = span_of(values_, node.parameter("weight")),
        .bias = span_of(values_, node.parameter("bias")),
        .running_mean = span_of(values_, node.parameter("running_mean")),
        .running_var = span_of(values_, node.parameter("running_var")),
        .weight_gradient = span_of(gradients_, node.parameter("weight")),
        .bias_gradient = span_of(gradients_, node.parameter("bias"))};
    norms_.emplace(
        step.node,
        NormLayer(parameters, {.epsilon = norm->epsilon,
                               .momentum = options_.statistics_momentum,
                               .slope = step.slope,
                               .running_statistics = options_.frozen_statistics || !trainable,
                               .trainable = trainable,
                               .sum_over_processes = options_.sum_over_processes}));
  }
}

void FusedNetwork::find_gradient_paths() {
  needs_gradient_.assign(graph_.nodes().size(), false);
  std::set<std::string_view> learnt;
  for (const ParameterSlot& slot : slots_) {
    if (slot.trainable) learnt.insert(slot.name);
  }
  for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
    const graph::Node& node = graph_.node(id);
    bool needed = std::ranges::any_of(node.inputs,
                                      [&](NodeId input) { return needs_gradient_[index(input)]; });
    for (const char* suffix : {"weight", "bias"}) {
      needed = needed || learnt.contains(node.parameter(suffix));
    }
    needs_gradient_[index(id)] = needed;
  }
}

std::span<float> FusedNetwork::input(std::int64_t n, std::int64_t h, std::int64_t w) {
  const std::int64_t channels = std::get<graph::Input>(graph_.nodes().front().op).channels;
  input_shape_ = {n, channels, h, w};
  images_.resize(static_cast<std::size_t>(input_shape_.elements()));
  return images_;
}

void FusedNetwork::forward() {
  const c10::InferenceMode guard;
  maps_.assign(graph_.nodes().size(), {});
  gradient_of_.assign(graph_.nodes().size(), {});
  outputs_.assign(graph_.outputs().size(), {});
  const auto type = options_.type == graph::DataType::kBFloat16 ? at::kBFloat16 : at::kFloat;
  for (auto& [node, layer] : convolutions_) layer.cast_weight = layer.weight.to(type);

  shapes_ = graph::infer_shapes(graph_, input_shape_);
  const auto& [n, channels, h, w] = input_shape_;
  maps_[0] =
      at::from_blob(images_.data(), {n, h, w, channels}, at::kFloat).permute({0, 3, 1, 2}).to(type);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    run(steps_[i], Pass::kForward);
    for (std::size_t j = 0; j < outputs_.size(); ++j) {
      if (graph_.outputs()[j].node != steps_[i].result) continue;
      outputs_[j] = maps_[index(steps_[i].result)].to(at::kFloat).contiguous(kChannelsLast);
    }
    for (const NodeId map : retention_.dropped_forward[i]) maps_[index(map)].reset();
  }
}

void FusedNetwork::repeat(const StepSegment& segment) {
  for (std::size_t i = segment.begin; i < segment.end; ++i) {
    if (retention_.runs_again[i]) run(steps_[i], Pass::kRepeated);
    for (const NodeId map : retention_.dropped_repeated[i]) maps_[index(map)].reset();
  }
}

void FusedNetwork::run(const ForwardStep& step, Pass pass) {
  at::Tensor& result = maps_[index(step.result)];
  const graph::Node& node = graph_.node(step.node);
  std::visit(Overloaded{
                 [](const graph::Input&) {},  // its map is there
                 [&](const graph::Convolution&) { result = convolve(step.node); },
                 [&](const graph::DeformableConvolution&) { result = convolve(step.node); },
                 [&](const graph::BatchNorm&) { normalize(step, pass); },
                 [&](const graph::LeakyRelu& relu) {
                   result = at::leaky_relu(input_of(step.node), relu.slope);
                 },
                 [&](const graph::Add&) {
                   result = at::add(input_of(step.node, 0), input_of(step.node, 1));
                 },
                 [&](const graph::UpsampleLike&) {
                   const graph::Shape& like = input_shape(step.node, 1);
                   result = at::upsample_nearest2d(input_of(step.node), {like.h, like.w});
                 },
                 [&](const graph::Concat&) {
                   std::vector<at::Tensor> parts;
                   for (std::size_t i = 0; i < node.inputs.size(); ++i) {
                     parts.push_back(input_of(step.node, i));
                   }
                   result = at::cat(parts, 1).contiguous(kChannelsLast);
                 },
                 [&](const graph::MaxPool& pool) {
                   result =
                       at::max_pool2d(input_of(step.node), {pool.kernel, pool.kernel},
                                      {pool.stride, pool.stride}, {pool.padding, pool.padding});
                 },
                 Refused{},
             },
             node.op);
}

at::Tensor FusedNetwork::convolve(NodeId node) {
  const ConvolutionLayer& layer = convolutions_.at(node);
  const at::Tensor& x = input_of(node);
  at::Tensor bias;
  if (layer.bias.defined()) bias = layer.bias.to(x.scalar_type());
  if (const auto* op = std::get_if<graph::DeformableConvolution>(&graph_.node(node).op)) {
    return deformable_forward(*op, x, input_of(node, 1), layer.cast_weight, bias);
  }
  const auto& op = std::get<graph::Convolution>(graph_.node(node).op);
  if (takes_winograd(op, x)) return winograd_forward(x, layer.cast_weight, bias);
  return at::convolution(x, layer.cast_weight, bias, {op.stride, op.stride},
                         {op.padding, op.padding}, {1, 1}, false, {0, 0}, op.groups)
      .contiguous(kChannelsLast);
}

void FusedNetwork::normalize(const ForwardStep& step, Pass pass) {
  const at::Tensor& x = input_of(step.node);
  at::Tensor& result = maps_[index(step.result)];
  const bool part = step.result_channels > 0;
  if (!result.defined()) {
    const std::int64_t channels = part ? step.result_channels : x.size(1);
    result = at::empty({x.size(0), channels, x.size(2), x.size(3)}, x.options(), kChannelsLast);
  }
  NormLayer& norm = norms_.at(step.node);
  const at::Tensor own = result.narrow(1, step.first_channel, x.size(1));
  if (pass == Pass::kForward) {
    norm.forward(x, own, step.result_channels);
  } else {
    norm.repeat(x, own, step.result_channels);
  }
}

void FusedNetwork::backward() {
  const c10::InferenceMode guard;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const at::Tensor& output = outputs_[i];
    RF_CHECK(static_cast<std::int64_t>(output_gradients_[i].size()) == output.numel());
    const at::Tensor gradient =
        at::from_blob(output_gradients_[i].data(),
                      {output.size(0), output.size(2), output.size(3), output.size(1)}, at::kFloat)
            .permute({0, 3, 1, 2});
    add_gradient(graph_.outputs()[i].node, gradient.to(maps_[0].scalar_type()));
  }
  for (const auto& segment : std::ranges::reverse_view(retention_.segments)) {
    if (segment.repeated) repeat(segment);
    for (std::size_t i = segment.end; i-- > segment.begin;) {
      run_back(steps_[i]);
      if (steps_[i].opens_result) {  // all users of the map have been passed
        maps_[index(steps_[i].result)].reset();
        gradient_of_[index(steps_[i].result)].reset();
      }
    }
  }
}

void FusedNetwork::run_back(const ForwardStep& step) {
  const at::Tensor gradient = gradient_of_[index(step.result)];
  if (!gradient.defined()) return;  // nothing before it learns, or nothing behind it is an output
  const graph::Node& node = graph_.node(step.node);
  std::visit(Overloaded{
                 [](const graph::Input&) {},  // nothing learns before it
                 [&](const graph::Convolution&) { convolve_back(step.node, gradient); },
                 [&](const graph::DeformableConvolution&) { deform_back(step.node, gradient); },
                 [&](const graph::BatchNorm&) { normalize_back(step, gradient); },
                 [&](const graph::LeakyRelu& relu) {
                   // The result has the input's signs, and the layer behind it keeps it anyway.
                   const at::Tensor& result = maps_[index(step.result)];
                   add_gradient(node.inputs[0],
                                at::leaky_relu_backward(gradient, result, relu.slope, true));
                 },
                 [&](const graph::Add&) {
                   add_gradient(node.inputs[0], gradient);
                   add_gradient(node.inputs[1], gradient);
                 },
                 [&](const graph::UpsampleLike&) {
                   const graph::Shape& in = input_shape(step.node);
                   add_gradient(node.inputs[0], at::upsample_nearest2d_backward(
                                                    gradient, {gradient.size(2), gradient.size(3)},
                                                    {in.n, in.c, in.h, in.w}));
                 },
                 [&](const graph::Concat&) {
                   std::int64_t first = 0;
                   for (std::size_t i = 0; i < node.inputs.size(); ++i) {
                     const std::int64_t channels = input_shape(step.node, i).c;
                     add_gradient(node.inputs[i],
                                  gradient.narrow(1, first, channels).contiguous(kChannelsLast));
                     first += channels;
                   }
                 },
                 [&](const graph::MaxPool& pool) {
                   const std::vector<std::int64_t> kernel(2, pool.kernel);
                   const std::vector<std::int64_t> stride(2, pool.stride);
                   const std::vector<std::int64_t> padding(2, pool.padding);
                   const at::Tensor& x = input_of(step.node);
                   const at::Tensor places =
                       std::get<1>(at::max_pool2d_with_indices(x, kernel, stride, padding));
                   add_gradient(node.inputs[0],
                                at::max_pool2d_with_indices_backward(
                                    gradient, x, kernel, stride, padding, {1, 1}, false, places));
                 },
                 Refused{},
             },
             node.op);
}

void FusedNetwork::convolve_back(NodeId node, const at::Tensor& gradient) {
  ConvolutionLayer& layer = convolutions_.at(node);
  const auto& op = std::get<graph::Convolution>(graph_.node(node).op);
  const NodeId input = graph_.node(node).inputs[0];
  const bool on = needs_gradient_[index(input)];
  if (!on && !layer.trainable) return;
  if (takes_winograd(op, maps_[index(input)])) {
    if (layer.trainable) {
      layer.weight_gradient.add_(winograd_weight_gradient(maps_[index(input)], gradient));
      if (op.bias) layer.bias_gradient.add_(gradient.sum({0, 2, 3}));
    }
    if (on) add_gradient(input, winograd_map_gradient(gradient, layer.cast_weight));
    return;
  }
  at::OptionalIntArrayRef bias_sizes;
  const std::vector<std::int64_t> bias_shape = {op.out_channels};
  if (op.bias) bias_sizes = bias_shape;
  auto [dx, dw, db] = at::convolution_backward(
      gradient, maps_[index(input)], layer.cast_weight, bias_sizes, {op.stride, op.stride},
      {op.padding, op.padding}, {1, 1}, false, {0, 0}, op.groups,
      {on, layer.trainable, layer.trainable && op.bias});
  if (layer.trainable) {
    layer.weight_gradient.add_(dw);  // nodes may share them
    if (op.bias) layer.bias_gradient.add_(db);
  }
  if (on) add_gradient(input, dx);
}

void FusedNetwork::deform_back(NodeId node, const at::Tensor& gradient) {
  ConvolutionLayer& layer = convolutions_.at(node);
  const auto& inputs = graph_.node(node).inputs;
  const DeformableGradients gradients =
      deformable_backward(std::get<graph::DeformableConvolution>(graph_.node(node).op),
                          input_of(node), input_of(node, 1), layer.cast_weight, gradient,
                          {.map = needs_gradient_[index(inputs[0])],
                           .offsets = needs_gradient_[index(inputs[1])],
                           .parameters = layer.trainable});
  if (gradients.weight.defined()) layer.weight_gradient.add_(gradients.weight);
  if (gradients.bias.defined()) layer.bias_gradient.add_(gradients.bias);
  if (gradients.map.defined()) add_gradient(inputs[0], gradients.map);
  if (gradients.offsets.defined()) add_gradient(inputs[1], gradients.offsets);
}

void FusedNetwork::normalize_back(const ForwardStep& step, const at::Tensor& gradient) {
  const at::Tensor& x = input_of(step.node);
  const NodeId input = graph_.node(step.node).inputs[0];
  if (!needs_gradient_[index(step.node)]) return;
  const at::Tensor own = gradient.narrow(1, step.first_channel, x.size(1));
  add_gradient(input, norms_.at(step.node).backward(x, own, step.result_channels));
}

void FusedNetwork::add_gradient(NodeId node, const at::Tensor& gradient) {
  if (!needs_gradient_[index(node)]) return;
  at::Tensor& sum = gradient_of_[index(node)];
  // Never in place: an addition hands one tensor to both of its inputs.
  sum = sum.defined() ? at::add(sum, gradient) : gradient;
  if (!sum.is_contiguous(kChannelsLast)) sum = sum.contiguous(kChannelsLast);
}

OutputBatch FusedNetwork::output(std::size_t index) {
  RF_CHECK(index < outputs_.size());
  const at::Tensor& output = outputs_[index];
  return {output.data_ptr<float>(), output.size(0), output.size(2), output.size(3), output.size(1)};
}

std::span<float> FusedNetwork::output_gradient(std::size_t index) {
  std::vector<float>& gradient = output_gradients_[index];
  gradient.resize(output(index).size());
  return gradient;
}

}  // namespace

Backend fused_backend() {
  return {.name = "fused",
          .summary = "our own steps, on CPUs",
          .priority = 100,
          .devices = {kProcessor},
          .types = {graph::DataType::kFloat32, graph::DataType::kBFloat16},
          .is_faster =
              [](graph::DataType type, std::string_view) {
                return type == graph::DataType::kBFloat16 && has_bfloat16_products();
              },
          .supports = [](const graph::Operator&) { return true; },
          .train = [](const graph::Graph& graph, const graph::Weights& weights,
                      const TrainableOptions& options) -> std::unique_ptr<TrainableNetwork> {
            return std::make_unique<FusedNetwork>(graph, weights, options);
          }};
}

}  // namespace retinaface::runtime
