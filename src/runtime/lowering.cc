#include "runtime/lowering.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "base/check.h"
#include "base/overloaded.h"
#include "graph/operators.h"

namespace retinaface::runtime {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::Tensor;
using graph::Weights;

std::size_t index(std::int32_t id) {
  return static_cast<std::size_t>(id);
}

/// How often each node is read, by other nodes and as an output.
std::vector<int> count_readers(const Graph& graph) {
  std::vector<int> readers(graph.nodes().size());
  for (const Node& node : graph.nodes()) {
    for (const NodeId input : node.inputs) ++readers[index(input)];
  }
  for (const graph::Output& output : graph.outputs()) ++readers[index(output.node)];
  return readers;
}

/// The same network with relu(concat(a, b)) written as concat(relu(a), relu(b)), so that the
/// activations can be fused to what yields a and b.
Graph push_relu_before_concat(const Graph& graph) {
  const std::vector<int> readers = count_readers(graph);
  std::vector<NodeId> relu_of(graph.nodes().size(), -1);  // by concat, its only reader if a ReLU
  for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes().size()); ++id) {
    const Node& node = graph.node(id);
    if (!std::holds_alternative<graph::LeakyRelu>(node.op)) continue;
    const NodeId input = node.inputs[0];
    if (std::holds_alternative<graph::Concat>(graph.node(input).op) && readers[index(input)] == 1) {
      relu_of[index(input)] = id;
    }
  }

  Graph result;
  std::set<std::string, std::less<>> names;
  for (const Node& node : graph.nodes()) names.insert(node.name);
  std::vector<NodeId> moved(graph.nodes().size());  // by old id
  for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes().size()); ++id) {
    const Node& node = graph.node(id);
    if (!node.inputs.empty() && relu_of[index(node.inputs[0])] == id) {
      moved[index(id)] = moved[index(node.inputs[0])];
      continue;
    }
    std::vector<NodeId> inputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const NodeId input = node.inputs[i];
      const auto same = std::ranges::find(node.inputs, input) - node.inputs.begin();
      if (relu_of[index(id)] < 0) {
        inputs.push_back(moved[index(input)]);
      } else if (static_cast<std::size_t>(same) < i) {
        inputs.push_back(inputs[static_cast<std::size_t>(same)]);
      } else {
        const Node& relu = graph.node(relu_of[index(id)]);
        std::string name = relu.name + "/" + graph.node(input).name;
        while (!names.insert(name).second) name += "/moved";
        inputs.push_back(result.add(name, relu.op, {moved[index(input)]}));
      }
    }
    moved[index(id)] =
        node.shared_with.empty()
            ? result.add(node.name, node.op, std::move(inputs))
            : result.add_sharing(node.name, node.op, std::move(inputs), node.shared_with);
  }
  for (const graph::Output& output : graph.outputs()) {
    result.add_output(output.name, moved[index(output.node)], output.is_observed);
  }
  return result;
}

/// y = scale x + shift per channel: what batch normalisation amounts to once its statistics stand.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

Affine affine_of(const Node& node, const Weights& weights) {
  const auto& norm = std::get<graph::BatchNorm>(node.op);
  const auto parameter = [&](const char* suffix) {
    return graph::as_float32(weights.at(node.parameter(suffix)));
  };
  const Tensor weight = parameter("weight");
  const Tensor bias = parameter("bias");
  const Tensor mean = parameter("running_mean");
  const Tensor variance = parameter("running_var");
  Affine affine;
  for (std::size_t c = 0; c < weight.size(); ++c) {
    const double scale =
        double{weight.values()[c]} / std::sqrt(double{variance.values()[c]} + double{norm.epsilon});
    affine.scale.push_back(scale);
    affine.shift.push_back(double{bias.values()[c]} - scale * double{mean.values()[c]});
  }
  return affine;
}

ConvolutionStep convolution_of(const Node& node, const Weights& weights) {
  ConvolutionStep step{{}, graph::as_float32(weights.at(node.parameter("weight"))), {}, {}};
  graph::Convolution& convolution = step.convolution;
  if (const auto* deformable = std::get_if<graph::DeformableConvolution>(&node.op)) {
    step.deformable = true;
    convolution = {.out_channels = deformable->out_channels,
                   .kernel = deformable->kernel,
                   .stride = deformable->stride,
                   .padding = deformable->padding,
                   .bias = deformable->bias};
  } else {
    convolution = std::get<graph::Convolution>(node.op);
  }
  if (convolution.bias) {
    step.bias = graph::as_float32(weights.at(node.parameter("bias")));
  } else {
    step.bias = Tensor::of_shape({convolution.out_channels});
    std::ranges::fill(step.bias.values(), 0.0F);
  }
  convolution.bias = true;
  return step;
}

/// Batch normalisation on its own, as the depthwise 1x1 convolution that it is.
ConvolutionStep convolution_of(const Affine& affine) {
  const auto channels = static_cast<std::int64_t>(affine.scale.size());
  ConvolutionStep step{{.out_channels = channels, .groups = channels, .bias = true},
                       Tensor::of_shape({channels, 1, 1, 1}),
                       Tensor::of_shape({channels}),
                       {}};
  std::ranges::copy(affine.scale, step.weight.values().begin());
  std::ranges::copy(affine.shift, step.bias.values().begin());
  return step;
}

void fold(const Affine& affine, ConvolutionStep& step) {
  const std::span<float> weight = step.weight.values();
  const std::span<float> bias = step.bias.values();
  const std::size_t per_channel = weight.size() / affine.scale.size();
  for (std::size_t c = 0; c < affine.scale.size(); ++c) {
    for (std::size_t i = c * per_channel; i < (c + 1) * per_channel; ++i) {
      weight[i] = static_cast<float>(double{weight[i]} * affine.scale[c]);
    }
    bias[c] = static_cast<float>(double{bias[c]} * affine.scale[c] + affine.shift[c]);
  }
}

/// Turns the nodes of a graph into steps, one value a step.
class Fusion {
 public:
  Fusion(const Graph& graph, const Weights& weights)
      : graph_(graph), weights_(weights), readers_(count_readers(graph)) {
    reader_.resize(graph.nodes().size(), -1);
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes().size()); ++id) {
      for (const NodeId input : graph.node(id).inputs) reader_[index(input)] = id;
    }
  }

  LoweredGraph run() {
    const std::vector<std::int64_t> channels = channels_of_nodes();
    // A chain is a convolution and what is fused to it; its step stands where its last node stood,
    // so that an addend is there by then.
    first_of_.assign(graph_.nodes().size(), -1);
    absorbed_.assign(graph_.nodes().size(), false);
    for (NodeId id = 1; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
      if (taken(id) || !starts_chain(graph_.node(id))) continue;
      NodeId last = id;
      while (const std::optional<NodeId> next = fusable_reader(id, last)) {
        absorbed_[index(last)] = true;
        last = *next;
      }
      first_of_[index(last)] = id;
    }

    lowered_.values.push_back({.channels = channels[0]});
    value_of_.assign(graph_.nodes().size(), kNoValue);
    value_of_[0] = 0;
    for (NodeId id = 1; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
      if (first_of_[index(id)] >= 0) {
        emit(id, channels[index(id)], chain_step(first_of_[index(id)], id));
      } else if (!absorbed_[index(id)]) {
        emit(id, channels[index(id)], plain_step(graph_.node(id)));
      }
    }
    for (const graph::Output& output : graph_.outputs()) {
      lowered_.outputs.push_back(value_of_[index(output.node)]);
      lowered_.are_observed.push_back(output.is_observed);
    }
    return std::move(lowered_);
  }

 private:
  std::vector<std::int64_t> channels_of_nodes() const {
    std::vector<std::int64_t> channels;
    for (const graph::Shape& shape : graph::channel_shapes(graph_)) channels.push_back(shape.c);
    return channels;
  }

  static bool starts_chain(const Node& node) {
    return graph::is_convolution(node.op) || std::holds_alternative<graph::BatchNorm>(node.op);
  }

  /// Whether the node is part of a chain already.
  bool taken(NodeId id) const { return absorbed_[index(id)] || first_of_[index(id)] >= 0; }

  /// The only reader of `id`, if a convolution's chain from `start` to `id` can take it in.
  std::optional<NodeId> fusable_reader(NodeId start, NodeId id) const {
    if (readers_[index(id)] != 1 || reader_[index(id)] < 0) return std::nullopt;
    const NodeId next = reader_[index(id)];
    if (taken(next)) return std::nullopt;
    const Node& node = graph_.node(next);
    if (std::holds_alternative<graph::DeformableConvolution>(graph_.node(start).op)) {
      return fuses_to_deformable(id, next) ? std::optional(next) : std::nullopt;
    }
    if (std::holds_alternative<graph::LeakyRelu>(node.op)) return next;
    if (std::holds_alternative<graph::PRelu>(node.op)) return next;
    if (std::holds_alternative<graph::Add>(node.op) && node.inputs[0] != node.inputs[1]) {
      return next;
    }
    // Batch normalisation can be folded only where nothing was done to the result yet.
    const bool bare = graph::is_convolution(graph_.node(id).op);
    if (std::holds_alternative<graph::BatchNorm>(node.op) && bare) return next;
    return std::nullopt;
  }

  /// A deformable convolution takes a normalisation and then one activation, whose slope its kernel
  /// can do.
  bool fuses_to_deformable(NodeId last, NodeId next) const {
    const auto* relu = std::get_if<graph::LeakyRelu>(&graph_.node(next).op);
    if (relu == nullptr) {
      return std::holds_alternative<graph::BatchNorm>(graph_.node(next).op) &&
             graph::is_convolution(graph_.node(last).op);
    }
    return !std::holds_alternative<graph::LeakyRelu>(graph_.node(last).op) && relu->slope >= 0 &&
           relu->slope <= 1;
  }

  Step chain_step(NodeId first, NodeId last) {
    const Node& start = graph_.node(first);
    ConvolutionStep step = graph::is_convolution(start.op)
                               ? convolution_of(start, weights_)
                               : convolution_of(affine_of(start, weights_));
    for (NodeId id = first; id != last;) {
      const NodeId next = reader_[index(id)];
      const Node& node = graph_.node(next);
      if (std::holds_alternative<graph::BatchNorm>(node.op)) {
        fold(affine_of(node, weights_), step);
      } else if (const auto* relu = std::get_if<graph::LeakyRelu>(&node.op)) {
        step.post_ops.push_back({.kind = PostOp::Kind::kLeakyRelu, .slope = relu->slope});
      } else if (std::holds_alternative<graph::PRelu>(node.op)) {
        step.post_ops.push_back({.kind = PostOp::Kind::kPRelu, .slopes = slopes_of(node)});
      } else {
        const NodeId other = node.inputs[0] == id ? node.inputs[1] : node.inputs[0];
        step.post_ops.push_back({.kind = PostOp::Kind::kAdd, .addend = value_of(other)});
      }
      id = next;
    }
    std::vector<ValueId> sources;
    for (const NodeId input : start.inputs) sources.push_back(value_of(input));
    return {{}, std::move(step), std::move(sources), kNoValue};
  }

  Step plain_step(const Node& node) {
    Step step;
    for (const NodeId input : node.inputs) step.sources.push_back(value_of(input));
    std::visit(Overloaded{[](const graph::Input&) { RF_CHECK(false); },
                          // These start chains.
                          [](const graph::Convolution&) { RF_CHECK(false); },
                          [](const graph::DeformableConvolution&) { RF_CHECK(false); },
                          [](const graph::BatchNorm&) { RF_CHECK(false); },
                          [&](const graph::PRelu&) { step.op = PReluStep{slopes_of(node)}; },
                          [&](const auto& other) { step.op = other; }},
               node.op);
    return step;
  }

  void emit(NodeId id, std::int64_t channels, Step step) {
    step.name = graph_.node(id).name;
    step.target = static_cast<ValueId>(lowered_.values.size());
    lowered_.values.push_back({.channels = channels});
    value_of_[index(id)] = step.target;
    lowered_.steps.push_back(std::move(step));
  }

  std::shared_ptr<const Tensor> slopes_of(const Node& node) const {
    return std::make_shared<const Tensor>(graph::as_float32(weights_.at(node.parameter("weight"))));
  }

  ValueId value_of(NodeId id) const {
    RF_CHECK(value_of_[index(id)] != kNoValue);
    return value_of_[index(id)];
  }

  const Graph& graph_;
  const Weights& weights_;
  std::vector<int> readers_;
  std::vector<NodeId> reader_;    // by node, the last that reads it
  std::vector<NodeId> first_of_;  // by the last node of a chain, its first
  std::vector<bool> absorbed_;    // nodes of a chain before its last
  std::vector<ValueId> value_of_;
  LoweredGraph lowered_;
};

bool mergeable(const Step& a, const Step& b) {
  const auto* x = std::get_if<ConvolutionStep>(&a.op);
  const auto* y = std::get_if<ConvolutionStep>(&b.op);
  if (x == nullptr || y == nullptr || a.sources != b.sources) return false;
  // What has values of its own by channel.
  const auto own = [](const PostOp& op) { return op.kind != PostOp::Kind::kLeakyRelu; };
  return x->convolution.groups == 1 && y->convolution.groups == 1 &&
         x->deformable == y->deformable && x->convolution.kernel == y->convolution.kernel &&
         x->convolution.stride == y->convolution.stride &&
         x->convolution.padding == y->convolution.padding && x->post_ops == y->post_ops &&
         std::ranges::none_of(x->post_ops, own);
}

/// Tensors of several convolutions as one of `channels`, each from its own first channel on; zeros
/// between them.
Tensor stacked(std::span<const ConvolutionStep* const> parts, Tensor ConvolutionStep::*tensor,
               std::span<const std::int64_t> firsts, std::int64_t channels) {
  const Tensor& first = parts[0]->*tensor;
  std::vector<std::int64_t> shape = first.shape;
  const std::size_t per_channel = first.size() / static_cast<std::size_t>(shape[0]);
  shape[0] = channels;
  Tensor result = Tensor::of_shape(std::move(shape));
  std::ranges::fill(result.values(), 0.0F);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::ranges::copy(
        (parts[i]->*tensor).values(),
        result.values().begin() +
            static_cast<std::ptrdiff_t>(static_cast<std::size_t>(firsts[i]) * per_channel));
  }
  return result;
}

/// How often steps read the value.
std::int64_t count_reads(const LoweredGraph& lowered, ValueId id) {
  std::int64_t reads = 0;
  for (const Step& step : lowered.steps) {
    reads += std::ranges::count(step.sources, id);
    if (const auto* conv = std::get_if<ConvolutionStep>(&step.op)) {
      reads += std::ranges::count(conv->post_ops, id, &PostOp::addend);
    }
  }
  return reads;
}

bool is_output(const LoweredGraph& lowered, ValueId id) {
  return std::ranges::count(lowered.outputs, id) > 0;
}

/// Convolutions take the image as it is. What else reads it reads a copy, which is a map like all
/// others.
void copy_image(LoweredGraph& lowered) {
  const ValueId copy = static_cast<ValueId>(lowered.values.size());
  bool is_read = false;
  const auto redirect = [&](ValueId& id) {
    if (id != 0) return;
    id = copy;
    is_read = true;
  };
  for (Step& step : lowered.steps) {
    if (auto* conv = std::get_if<ConvolutionStep>(&step.op)) {
      for (PostOp& post_op : conv->post_ops) {
        if (post_op.kind == PostOp::Kind::kAdd) redirect(post_op.addend);
      }
    } else {
      for (ValueId& source : step.sources) redirect(source);
    }
  }
  if (!is_read) return;
  lowered.values.push_back({.channels = lowered.values[0].channels});
  lowered.steps.insert(lowered.steps.begin(), {"image", graph::Concat{}, {0}, copy});
}

/// Convolutions alike that read the same value become one, their results runs of its channels: the
/// three heads of a level are one convolution. A part that other steps read must start at a
/// multiple of `block`: channels that are always 0 come before it where it does not (the offsets of
/// deformable convolutions).
void merge_siblings(LoweredGraph& lowered, std::int64_t block) {
  for (std::size_t i = 0; i < lowered.steps.size(); ++i) {
    std::vector<std::size_t> group = {i};
    for (std::size_t j = i + 1; j < lowered.steps.size(); ++j) {
      if (mergeable(lowered.steps[i], lowered.steps[j])) group.push_back(j);
    }
    if (group.size() == 1) continue;

    std::vector<const ConvolutionStep*> parts;
    std::vector<std::int64_t> firsts;
    const auto whole = static_cast<ValueId>(lowered.values.size());
    lowered.values.push_back({.channels = 0});
    std::int64_t channels = 0;
    for (const std::size_t j : group) {
      const ValueId target = lowered.steps[j].target;
      if (count_reads(lowered, target) > 0) channels = (channels + block - 1) / block * block;
      parts.push_back(&std::get<ConvolutionStep>(lowered.steps[j].op));
      firsts.push_back(channels);
      Value& value = lowered.values[index(target)];
      value.parent = whole;
      value.first_channel = channels;
      channels += value.channels;
    }
    lowered.values[index(whole)].channels = channels;
    auto& merged = std::get<ConvolutionStep>(lowered.steps[i].op);
    Tensor weight = stacked(parts, &ConvolutionStep::weight, firsts, channels);
    Tensor bias = stacked(parts, &ConvolutionStep::bias, firsts, channels);
    merged.weight = std::move(weight);
    merged.bias = std::move(bias);
    merged.convolution.out_channels = channels;
    lowered.steps[i].target = whole;
    for (std::size_t k = group.size(); k-- > 1;) {
      lowered.steps.erase(lowered.steps.begin() + static_cast<std::ptrdiff_t>(group[k]));
    }
  }
}

/// Concatenations whose parts start at multiples of `block` vanish: the parts are written in place.
void place_concatenations(LoweredGraph& lowered, std::int64_t block) {
  std::erase_if(lowered.steps, [&](const Step& step) {
    if (!std::holds_alternative<graph::Concat>(step.op)) return false;
    std::int64_t first = 0;
    for (const ValueId source : step.sources) {
      const Value& value = lowered.values[index(source)];
      const bool repeated = std::ranges::count(step.sources, source) > 1;
      if (source == 0 || value.parent != kNoValue || first % block != 0 || repeated) return false;
      first += value.channels;
    }
    first = 0;
    for (const ValueId source : step.sources) {
      Value& value = lowered.values[index(source)];
      value.parent = step.target;
      value.first_channel = first;
      first += value.channels;
    }
    return true;
  });
}

/// Whether a value that lies in `whole` is still read by itself.
bool has_parts_read(const LoweredGraph& lowered, ValueId whole) {
  for (ValueId id = 0; id < static_cast<ValueId>(lowered.values.size()); ++id) {
    ValueId parent = lowered.values[index(id)].parent;
    while (parent != kNoValue && parent != whole) parent = lowered.values[index(parent)].parent;
    if (parent == whole && (count_reads(lowered, id) > 0 || is_output(lowered, id))) return true;
  }
  return false;
}

/// x + resized(y), where nothing else needs x or the resized y, becomes one step that adds to x in
/// place. (The resize names x too, for its size.)
void fuse_upsampled_additions(LoweredGraph& lowered) {
  for (std::size_t i = 0; i < lowered.steps.size(); ++i) {
    Step& resize = lowered.steps[i];
    if (!std::holds_alternative<graph::UpsampleLike>(resize.op)) continue;
    const ValueId x = resize.sources[1];
    const auto addition = std::ranges::find_if(lowered.steps, [&](const Step& step) {
      return std::holds_alternative<graph::Add>(step.op) &&
             std::ranges::count(step.sources, x) == 1 &&
             std::ranges::count(step.sources, resize.target) == 1;
    });
    const auto shared = [&](ValueId id) {
      return is_output(lowered, id) || lowered.values[index(id)].parent != kNoValue;
    };
    if (addition == lowered.steps.end() || count_reads(lowered, x) != 2 ||
        count_reads(lowered, resize.target) != 1 || shared(x) || shared(resize.target) ||
        has_parts_read(lowered, x) || lowered.values[index(addition->target)].parent != kNoValue) {
      continue;
    }
    addition->op = AddUpsampled{};
    addition->sources = {x, resize.sources[0]};
    lowered.values[index(addition->target)].parent = x;
    lowered.steps.erase(lowered.steps.begin() + static_cast<std::ptrdiff_t>(i));
    --i;
  }
}

}  // namespace

ValueId root_of(const LoweredGraph& lowered, ValueId id) {
  const auto value = [&](ValueId v) -> const Value& {
    return lowered.values[static_cast<std::size_t>(v)];
  };
  while (value(id).parent != kNoValue) id = value(id).parent;
  return id;
}

bool holds_exact_output(const LoweredGraph& lowered, ValueId id) {
  for (std::size_t i = 0; i < lowered.outputs.size(); ++i) {
    if (lowered.are_observed[i]) continue;
    if (root_of(lowered, lowered.outputs[i]) == root_of(lowered, id)) return true;
  }
  return false;
}

bool leads_only_to_next(const LoweredGraph& lowered, std::size_t i) {
  const ValueId target = lowered.steps[i].target;
  if (lowered.values[index(target)].parent != kNoValue) return false;
  for (std::size_t j = 0; j < lowered.steps.size(); ++j) {
    const Step& step = lowered.steps[j];
    const auto* conv = std::get_if<ConvolutionStep>(&step.op);
    const bool adds =
        conv != nullptr && std::ranges::count(conv->post_ops, target, &PostOp::addend) > 0;
    const bool reads = std::ranges::count(step.sources, target) > 0;
    if (adds || (reads != (j == i + 1))) return false;
  }
  return !is_output(lowered, target);
}

LoweredGraph lower(const Graph& graph, const Weights& weights, const LoweringOptions& options) {
  RF_CHECK(!graph.nodes().empty() &&
           std::holds_alternative<graph::Input>(graph.nodes().front().op));
  const Graph rewritten = push_relu_before_concat(graph);
  LoweredGraph lowered = Fusion(rewritten, weights).run();
  if (options.block > 1) copy_image(lowered);
  merge_siblings(lowered, options.block);
  place_concatenations(lowered, options.block);
  if (options.add_upsampled) fuse_upsampled_additions(lowered);
  return lowered;
}

}  // namespace retinaface::runtime
