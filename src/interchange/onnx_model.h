#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace retinaface::interchange {

// The part of ONNX's format that a convolutional network needs, as plain data. What the operators
// mean is in ONNX's own documents.

/// Codes of the types of elements, as in ONNX's TensorProto.DataType.
inline constexpr std::int64_t kOnnxFloat = 1;
inline constexpr std::int64_t kOnnxInt64 = 7;

/// A constant. What is written may be a view of the caller's: weights are large. What was read has
/// values of its own.
struct OnnxTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::variant<std::span<const float>, std::vector<std::int64_t>, std::vector<float>> values;
};

/// An integer, a number, a word, integers, numbers, or a constant.
using OnnxAttribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
                                   std::vector<float>, OnnxTensor>;

struct OnnxNode {
  std::string op;
  std::string name;
  std::vector<std::string> inputs;  ///< names of values; empty for one that is left out
  std::string output;               ///< the first one, where it has several
  std::vector<std::pair<std::string, OnnxAttribute>> attributes;
  std::string domain = {};  ///< of the operator; empty: ONNX's own
};

/// A tensor that goes in or out. An extent is a number, or a name where any number will do,
/// the same wherever that name stands.
struct OnnxPort {
  std::string name;
  std::vector<std::variant<std::int64_t, std::string>> shape;
  std::int64_t type = kOnnxFloat;
};

struct OnnxModel {
  std::int64_t opset = 0;
  std::string producer;
  std::string producer_version;
  std::string name;
  std::vector<OnnxNode> nodes;  ///< each after those whose outputs it takes
  std::vector<OnnxTensor> constants;
  std::vector<OnnxPort> inputs;
  std::vector<OnnxPort> outputs;
  std::map<std::string, std::string, std::less<>> metadata;
};

/// The content of an .onnx file: a protocol buffer, `ModelProto` of onnx.proto. Equal models give
/// equal bytes. Ports must have an extent at least.
std::string serialize(const OnnxModel& model);

/// Reads such a file; nothing is run, and all sizes are checked against the bytes that are there.
/// Types of elements are float32, float16, bfloat16 and float64, which become float32, and int32
/// and int64, which become int64. Throws Error(kBadData) for what is damaged, Error(kUnsupported)
/// for what this program does not read: other types, data outside of the file, more than 20,000
/// nodes. Messages start with `source`.
OnnxModel parse_onnx(std::span<const std::byte> content, const std::string& source);

}  // namespace retinaface::interchange
