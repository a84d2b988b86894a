#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "interchange/onnx_model.h"
#include "interchange/onnx_network.h"

namespace retinaface::interchange::testing {

using Integers = std::vector<std::int64_t>;
using Attributes = std::vector<std::pair<std::string, OnnxAttribute>>;

/// Builds a file node by node.
class FileBuilder {
 public:
  explicit FileBuilder(std::int64_t height = 16, std::int64_t width = 24) {
    model_.opset = 13;
    model_.name = "test";
    model_.inputs.push_back({"x", {std::int64_t{1}, std::int64_t{3}, height, width}});
  }

  std::string add(const std::string& op, std::vector<std::string> inputs,
                  Attributes attributes = {}) {
    std::string output = fmt::format("v{}", model_.nodes.size());
    model_.nodes.push_back(
        {op, "node." + output, std::move(inputs), output, std::move(attributes)});
    return output;
  }
  std::string floats(Integers shape, std::vector<float> values) {
    std::string name = fmt::format("c{}", model_.constants.size());
    model_.constants.push_back({name, std::move(shape), std::move(values)});
    return name;
  }
  std::string noise(Integers shape, float scale = 0.5F) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    std::uniform_real_distribution<float> distribution(-scale, scale);
    for (float& value : values) value = distribution(random_);
    return floats(std::move(shape), std::move(values));
  }
  std::string integers(Integers values) {
    std::string name = fmt::format("c{}", model_.constants.size());
    const auto count = static_cast<std::int64_t>(values.size());
    model_.constants.push_back({name, {count}, std::move(values)});
    return name;
  }
  std::string conv(const std::string& from, std::int64_t in, std::int64_t out,
                   std::int64_t stride = 1) {
    return add("Conv", {from, noise({out, in, 3, 3}), noise({out})},
               {{"strides", Integers{stride, stride}}, {"pads", Integers{1, 1, 1, 1}}});
  }
  void output(const std::string& name) { model_.outputs.push_back({name, {std::int64_t{1}}}); }
  OnnxModel& model() { return model_; }

  /// As a file that was written and read.
  OnnxModel file() const {
    const std::string content = serialize(model_);
    return parse_onnx(std::as_bytes(std::span(content)), "test");
  }

 private:
  OnnxModel model_;
  std::mt19937 random_{5};
};

/// The network with each of its outputs' maps as an output, number by number.
inline OnnxNetwork read(const FileBuilder& builder) {
  OnnxNetwork network = read_network(builder.file(), "test");
  int number = 0;
  for (const OnnxOutput& output : network.outputs) {
    for (const graph::NodeId map : output.value.maps) {
      network.graph.add_output(std::to_string(number++), map);
    }
  }
  return network;
}

}  // namespace retinaface::interchange::testing
