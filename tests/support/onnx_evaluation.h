#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

namespace retinaface::testing {

/// An array of any type of element, row-major: doubles hold the floats and all integers that occur.
struct OnnxValue {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// Reads a file's bytes by ONNX's own library and checks the model as `onnx.checker` does with
/// full_check: every node against the definition of its operator, all types and shapes inferred,
/// strictly. Throws std::exception with the library's words.
::onnx::ModelProto checked_onnx(std::span<const std::byte> content);

/// What the graph yields for these inputs, node by node in plain loops, written from ONNX's
/// definitions of the operators and from nothing of this project. Throws std::runtime_error for an
/// operator or a choice of attributes that it does not know.
std::map<std::string, OnnxValue> evaluate_onnx(const ::onnx::ModelProto& model,
                                               std::map<std::string, OnnxValue> inputs);

}  // namespace retinaface::testing
