#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/operators.h"
#include "graph/tensor.h"

namespace retinaface::graph {

/// Named tensors and named strings: the content of a .safetensors file.
struct Weights {
  std::map<std::string, Tensor, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;

  /// The tensor called `name`, which must be there (check_weights has seen to it).
  const Tensor& at(const std::string& name) const;
  Weights clone() const;
};

/// Extents of tensors, by name.
using Shapes = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

/// What is wrong with tensors of these shapes as the parameters `wanted`: the missing, extra and
/// mis-shaped ones by name (the first few of each). Empty when they agree.
std::string mismatch(std::span<const ParameterSpec> wanted, const Shapes& found);

/// Compares the tensors with what the graph asks for. Throws Error(kBadData), its message starting
/// with `source`, that names each missing, extra and mis-shaped tensor (the first few of each).
void check_weights(const Graph& graph, const Weights& weights, const std::string& source);

/// The same for several graphs at once, whose parameters have different names.
void check_weights(std::span<const ParameterSpec> wanted, const Weights& weights,
                   const std::string& source);

/// Weights for tests and for training from scratch: convolutions from a normal distribution of
/// deviation sqrt(2 / fan-in) (He et al. 2015, for layers that a ReLU follows), sqrt(2 / (fan-in +
/// fan-out)) where other convolutions alone follow (Glorot and Bengio 2010), 0 where offsets are
/// computed (a deformable convolution starts as a plain one); biases 0, normalisation the identity.
/// The same for the same seed on every machine.
Weights random_weights(const Graph& graph, std::uint64_t seed);

/// Chooses tensors by their names.
using TensorFilter = std::function<bool(std::string_view name)>;

/// Parses the bytes of a .safetensors file; of F32, F16, BF16, I8 and U8, which stay what they are.
/// Tensors that are not `wanted` are checked as the others are, and left out; without a filter all
/// are wanted. Throws Error(kBadData) or Error(kUnsupported), the message starting with `source`.
Weights parse_safetensors(std::span<const std::byte> content, const std::string& source,
                          const TensorFilter& wanted = {});

/// Reads a .safetensors file. Throws as read_named_file and parse_safetensors do.
Weights read_safetensors(const std::filesystem::path& path);

/// Writes a .safetensors file, each tensor in its own type, as a whole or not at all; tensors in
/// order of name, so that equal weights give equal bytes. Throws Error(kUnwritable).
void write_safetensors(const std::filesystem::path& path, const Weights& weights);

}  // namespace retinaface::graph
