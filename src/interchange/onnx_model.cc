#include "interchange/onnx_model.h"

#include <protozero/pbf_writer.hpp>

#include "base/check.h"

namespace retinaface::interchange {
namespace {

// Field numbers and codes as in onnx.proto; they never change.
constexpr std::int64_t kIrVersion = 8;  // of ONNX 1.10 to 1.12
enum AttributeCode : std::int64_t {
  kFloatKind = 1,
  kIntKind = 2,
  kStringKind = 3,
  kTensorKind = 4,
  kFloatsKind = 6,
  kIntsKind = 7
};

// Appends fields by their numbers. A message within another one is a Writer made of that one and
// the field's number; it is complete when that Writer ends.
using Writer = protozero::pbf_writer;

std::span<const std::byte> bytes_of(const OnnxTensor& tensor) {
  return std::visit([](const auto& values) { return std::as_bytes(std::span(values)); },
                    tensor.values);
}

/// TensorProto.
void write(Writer message, const OnnxTensor& tensor) {
  for (const std::int64_t extent : tensor.shape) message.add_int64(1, extent);
  const bool integers = std::holds_alternative<std::vector<std::int64_t>>(tensor.values);
  message.add_int64(2, integers ? kOnnxInt64 : kOnnxFloat);
  message.add_string(8, tensor.name);
  const auto values = bytes_of(tensor);
  message.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size());
}

/// AttributeProto.
void write(Writer message, const std::string& name, const OnnxAttribute& value) {
  message.add_string(1, name);
  if (const auto* number = std::get_if<float>(&value)) {
    message.add_float(2, *number);
    message.add_int64(20, kFloatKind);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    message.add_int64(3, *integer);
    message.add_int64(20, kIntKind);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    message.add_string(4, *text);
    message.add_int64(20, kStringKind);
  } else if (const auto* tensor = std::get_if<OnnxTensor>(&value)) {
    write(Writer(message, 5), *tensor);
    message.add_int64(20, kTensorKind);
  } else if (const auto* numbers = std::get_if<std::vector<float>>(&value)) {
    for (const float f : *numbers) message.add_float(7, f);
    message.add_int64(20, kFloatsKind);
  } else {
    for (const std::int64_t i : std::get<std::vector<std::int64_t>>(value)) message.add_int64(8, i);
    message.add_int64(20, kIntsKind);
  }
}

/// NodeProto.
void write(Writer message, const OnnxNode& node) {
  for (const std::string& input : node.inputs) message.add_string(1, input);
  message.add_string(2, node.output);
  message.add_string(3, node.name);
  message.add_string(4, node.op);
  for (const auto& [name, value] : node.attributes) write(Writer(message, 5), name, value);
  if (!node.domain.empty()) message.add_string(7, node.domain);
}

/// ValueInfoProto.
void write(Writer message, const OnnxPort& port) {
  // protozero leaves out a message without fields, and a tensor whose shape is left out has any.
  RF_CHECK(!port.shape.empty());
  message.add_string(1, port.name);
  Writer type(message, 2);
  Writer tensor(type, 1);
  tensor.add_int64(1, port.type);
  Writer shape(tensor, 2);
  for (const auto& extent : port.shape) {
    Writer dimension(shape, 1);
    if (const auto* name = std::get_if<std::string>(&extent)) {
      dimension.add_string(2, *name);
    } else {
      dimension.add_int64(1, std::get<std::int64_t>(extent));
    }
  }
}

/// GraphProto.
void write_graph(Writer message, const OnnxModel& model) {
  for (const OnnxNode& node : model.nodes) write(Writer(message, 1), node);
  message.add_string(2, model.name);
  for (const OnnxTensor& tensor : model.constants) write(Writer(message, 5), tensor);
  for (const OnnxPort& input : model.inputs) write(Writer(message, 11), input);
  for (const OnnxPort& output : model.outputs) write(Writer(message, 12), output);
}

}  // namespace

std::string serialize(const OnnxModel& model) {
  std::size_t constant_bytes = 0;
  for (const OnnxTensor& tensor : model.constants) constant_bytes += bytes_of(tensor).size();
  std::string content;
  content.reserve(constant_bytes + (std::size_t{1} << 20));

  Writer message(content);
  message.add_int64(1, kIrVersion);
  message.add_string(2, model.producer);
  message.add_string(3, model.producer_version);
  write_graph(Writer(message, 7), model);
  {
    Writer opset(message, 8);
    opset.add_string(1, "");  // ONNX's own operators
    opset.add_int64(2, model.opset);
  }
  for (const auto& [key, value] : model.metadata) {
    Writer entry(message, 14);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  return content;
}

}  // namespace retinaface::interchange
