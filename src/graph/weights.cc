#include "graph/weights.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "graph/calibration.h"
#include "graph/operators.h"

namespace retinaface::graph {
namespace {

/// "a, b and 3 more".
std::string listing(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  const std::size_t shown = std::min(names.size(), kShown);
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(shown);
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

/// How to start the weights of a convolution.
enum class Start { kHe, kXavier, kZero };

/// By the name of the weight; those that are not listed start as kHe.
std::map<std::string, Start, std::less<>> starts(const Graph& graph) {
  std::map<std::string, Start, std::less<>> result;
  for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes().size()); ++id) {
    const Node& node = graph.node(id);
    if (!is_convolution(node.op)) continue;
    bool read = false;
    bool by_convolutions = true;
    bool as_offsets = false;
    for (const Node& reader : graph.nodes()) {
      for (std::size_t i = 0; i < reader.inputs.size(); ++i) {
        if (reader.inputs[i] != id) continue;
        read = true;
        by_convolutions = by_convolutions && is_convolution(reader.op);
        as_offsets =
            as_offsets || (i == 1 && std::holds_alternative<DeformableConvolution>(reader.op));
      }
    }
    if (as_offsets) {
      result[node.parameter("weight")] = Start::kZero;
    } else if (read && by_convolutions) {
      result[node.parameter("weight")] = Start::kXavier;
    }
  }
  return result;
}

}  // namespace

Weights Weights::clone() const {
  Weights copy;
  copy.metadata = metadata;
  for (const auto& [name, tensor] : tensors) copy.tensors.emplace(name, tensor.clone());
  return copy;
}

const Tensor& Weights::at(const std::string& name) const {
  const auto found = tensors.find(name);
  RF_CHECK(found != tensors.end());
  return found->second;
}

std::string mismatch(std::span<const ParameterSpec> wanted, const Shapes& found) {
  std::vector<std::string> missing;
  std::vector<std::string> misshaped;
  std::set<std::string_view> known;
  for (const ParameterSpec& parameter : wanted) {
    known.insert(parameter.name);
    const auto tensor = found.find(parameter.name);
    if (tensor == found.end()) {
      missing.push_back(parameter.name);
    } else if (tensor->second != parameter.shape) {
      misshaped.push_back(fmt::format("{} is {}, expected {}", parameter.name,
                                      to_string(tensor->second), to_string(parameter.shape)));
    }
  }
  std::vector<std::string> extra;
  for (const auto& [name, shape] : found) {
    if (!known.contains(name)) extra.push_back(excerpt(name));
  }
  std::vector<std::string> complaints;
  if (!missing.empty()) complaints.push_back("missing: " + listing(missing));
  if (!extra.empty()) complaints.push_back("not in the model: " + listing(extra));
  if (!misshaped.empty()) complaints.push_back("wrong shape: " + listing(misshaped));
  return fmt::format("{}", fmt::join(complaints, "; "));
}

void check_weights(const Graph& graph, const Weights& weights, const std::string& source) {
  check_weights(parameters(graph), weights, source);
}

void check_weights(std::span<const ParameterSpec> wanted, const Weights& weights,
                   const std::string& source) {
  const auto is_parameter = [](const auto& entry) {
    return !entry.first.starts_with(kCalibrationPrefix);
  };
  const auto is_there = [&](const ParameterSpec& parameter) {
    const auto found = weights.tensors.find(parameter.name);
    return found != weights.tensors.end() && found->second.shape == parameter.shape;
  };
  // Nearly always, and every program that detects waits for it.
  if (std::cmp_equal(std::ranges::count_if(weights.tensors, is_parameter), wanted.size()) &&
      std::ranges::all_of(wanted, is_there)) {
    return;
  }
  Shapes shapes;
  for (const auto& [name, tensor] : weights.tensors) {
    if (!name.starts_with(kCalibrationPrefix)) shapes.emplace(name, tensor.shape);
  }
  const std::string complaint = mismatch(wanted, shapes);
  if (!complaint.empty()) {
    fail(ErrorCode::kBadData, "{}: the tensors are not the model's; {}", source, complaint);
  }
}

Weights random_weights(const Graph& graph, std::uint64_t seed) {
  Random random(seed);
  const auto start_of = starts(graph);
  Weights weights;
  for (const ParameterSpec& parameter : parameters(graph)) {
    Tensor tensor = Tensor::of_shape(parameter.shape);
    if (parameter.shape.size() == 4) {
      const auto found = start_of.find(parameter.name);
      const Start start = found == start_of.end() ? Start::kHe : found->second;
      const auto area = static_cast<double>(parameter.shape[2] * parameter.shape[3]);
      const double fan_in = static_cast<double>(parameter.shape[1]) * area;
      const double fan_out = static_cast<double>(parameter.shape[0]) * area;
      const double deviation =
          start == Start::kZero ? 0
                                : std::sqrt(2 / (start == Start::kHe ? fan_in : fan_in + fan_out));
      for (float& value : tensor.values()) {
        value = static_cast<float>(random.normal() * deviation);
      }
    } else {
      const bool one = parameter.name.ends_with(".weight") || parameter.name.ends_with("var");
      std::ranges::fill(tensor.values(), one ? 1.0F : 0.0F);
    }
    weights.tensors.emplace(parameter.name, std::move(tensor));
  }
  return weights;
}

}  // namespace retinaface::graph
