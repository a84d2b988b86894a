#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "graph/graph.h"
#include "graph/weights.h"

namespace retinaface::runtime {

// A graph made ready for fast execution: batch normalisation folded into convolutions, activations
// and additions fused to them, convolutions that read the same map merged into one, concatenations
// turned into places that are written directly. Independent of the image's size and of the
// library that executes it.

/// Index of a value, a feature map, of a lowered graph.
using ValueId = std::int32_t;
inline constexpr ValueId kNoValue = -1;

/// Channels and place of a value. A value with a parent is a run of the parent's channels.
struct Value {
  std::int64_t channels = 0;
  graph::DataType type = graph::DataType::kFloat32;  ///< the parent's, if it has one
  ValueId parent = kNoValue;
  std::int64_t first_channel = 0;  ///< within the parent
  bool is_image = false;           ///< of bytes, the pixels of one that the network reads
};

/// Done to each result of a convolution before it is stored, in order.
struct PostOp {
  enum class Kind { kLeakyRelu, kPRelu, kAdd };
  Kind kind = Kind::kLeakyRelu;
  float slope = 0;                                   ///< of kLeakyRelu
  ValueId addend = kNoValue;                         ///< of kAdd: of the shape of the result
  std::shared_ptr<const graph::Tensor> slopes = {};  ///< of kPRelu: (C)

  friend bool operator==(const PostOp&, const PostOp&) = default;
};

struct ConvolutionStep {
  graph::Convolution convolution;  ///< with bias
  graph::Tensor weight;            ///< (out, in / groups, kernel, kernel)
  graph::Tensor bias;              ///< (out)
  std::vector<PostOp> post_ops;
  /// graph::DeformableConvolution; source 1 has the offsets and mask logits. One activation of a
  /// slope in [0, 1] may follow.
  bool deformable = false;
  /// On bytes: sources have kUInt8, and so may the target (cpu/byte_lowering.h).
  bool on_bytes = false;
  /// On floats whose code is known (cpu/byte_lowering.h), by products of 16-bit whole numbers.
  bool by_words = false;
};

/// target = source 0 + source 1 resized as UpsampleLike does; in the memory of source 0.
struct AddUpsampled {
  bool on_bytes = false;
};

/// target = source 0 in the target's type: from floats to bytes or back.
struct Conversion {};

/// graph::PRelu with its slopes, (C).
struct PReluStep {
  std::shared_ptr<const graph::Tensor> slopes;
};

/// One thing to do: an operator, what it reads and what it writes. Operators other than
/// convolutions mean what graph.h says.
struct Step {
  std::string name;  ///< of the graph's node that the result belongs to
  std::variant<ConvolutionStep, graph::LeakyRelu, graph::Add, graph::Concat, graph::UpsampleLike,
               graph::MaxPool, graph::AveragePool, graph::GlobalAveragePool, PReluStep,
               graph::Sigmoid, graph::Softmax, graph::Clip, graph::Arithmetic, graph::Pad,
               graph::GridSample, AddUpsampled, Conversion>
      op;
  std::vector<ValueId> sources;
  ValueId target = kNoValue;
};

/// Steps in an order in which each value is written before it is read. Value 0 is the image.
struct LoweredGraph {
  std::vector<Value> values;
  std::vector<Step> steps;
  std::vector<ValueId> outputs;    ///< in the order of Graph::outputs()
  std::vector<bool> are_observed;  ///< of each of them, Output::is_observed
};

struct LoweringOptions {
  /// Channels that the executing code keeps together; a concatenation becomes a place written
  /// directly only where each part starts at a multiple of it.
  std::int64_t block = 1;
  /// Whether the executing code knows AddUpsampled.
  bool add_upsampled = false;
};

/// The value that it is a part of, or itself where it is none.
ValueId root_of(const LoweredGraph& lowered, ValueId id);

/// Whether a value is an output in float32, part of one, or holds one: none that is observed.
bool holds_exact_output(const LoweredGraph& lowered, ValueId id);

/// Whether step i + 1 reads what step i writes, and nothing else does.
bool leads_only_to_next(const LoweredGraph& lowered, std::size_t i);

LoweredGraph lower(const graph::Graph& graph, const graph::Weights& weights,
                   const LoweringOptions& options);

}  // namespace retinaface::runtime
