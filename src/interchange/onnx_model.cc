#include "interchange/onnx_model.h"

#include <bit>
#include <cstring>
#include <string_view>

namespace retinaface::interchange {
namespace {

// Field numbers and codes as in onnx.proto; they never change.
constexpr std::int64_t kIrVersion = 8;  // of ONNX 1.10 to 1.12
constexpr std::int64_t kOnnxInt64 = 7;
enum AttributeCode : std::int64_t { kFloatKind = 1, kIntKind = 2, kStringKind = 3, kIntsKind = 7 };

/// A protocol buffer's message in the making: fields by their numbers, one after the other.
class Message {
 public:
  void integer(int field, std::int64_t value) {
    tag(field, kVarint);
    varint(static_cast<std::uint64_t>(value));
  }
  void number(int field, float value) {
    tag(field, kFixed32);
    raw(std::as_bytes(std::span(&value, 1)));
  }
  void bytes(int field, std::span<const std::byte> value) {
    tag(field, kLengthDelimited);
    varint(value.size());
    raw(value);
  }
  void text(int field, std::string_view value) { bytes(field, std::as_bytes(std::span(value))); }
  void message(int field, const Message& value) { bytes(field, value.content_); }

  std::size_t size() const { return content_.size(); }
  std::vector<std::byte> take() { return std::move(content_); }
  void reserve(std::size_t bytes) { content_.reserve(bytes); }

 private:
  enum WireType : std::uint64_t { kVarint = 0, kLengthDelimited = 2, kFixed32 = 5 };
  static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

  void tag(int field, WireType type) { varint(static_cast<std::uint64_t>(field) << 3 | type); }

  /// Seven bits a byte, the lowest first; the highest bit says that more follow.
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) content_.push_back(static_cast<std::byte>(value | 0x80));
    content_.push_back(static_cast<std::byte>(value));
  }
  void raw(std::span<const std::byte> value) {
    content_.insert(content_.end(), value.begin(), value.end());
  }

  std::vector<std::byte> content_;
};

/// AttributeProto.
Message attribute(const std::string& name, const OnnxAttribute& value) {
  Message message;
  message.text(1, name);
  if (const auto* number = std::get_if<float>(&value)) {
    message.number(2, *number);
    message.integer(20, kFloatKind);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    message.integer(3, *integer);
    message.integer(20, kIntKind);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    message.text(4, *text);
    message.integer(20, kStringKind);
  } else {
    for (const std::int64_t i : std::get<std::vector<std::int64_t>>(value)) message.integer(8, i);
    message.integer(20, kIntsKind);
  }
  return message;
}

/// NodeProto.
Message node(const OnnxNode& node) {
  Message message;
  for (const std::string& input : node.inputs) message.text(1, input);
  message.text(2, node.output);
  message.text(3, node.name);
  message.text(4, node.op);
  for (const auto& [name, value] : node.attributes) message.message(5, attribute(name, value));
  return message;
}

std::span<const std::byte> bytes_of(const OnnxTensor& tensor) {
  return std::visit([](const auto& values) { return std::as_bytes(std::span(values)); },
                    tensor.values);
}

/// TensorProto.
Message constant(const OnnxTensor& tensor) {
  const bool floats = std::holds_alternative<std::span<const float>>(tensor.values);
  const auto values = bytes_of(tensor);
  Message message;
  message.reserve(values.size() + tensor.name.size() + 128);
  for (const std::int64_t extent : tensor.shape) message.integer(1, extent);
  message.integer(2, floats ? kOnnxFloat : kOnnxInt64);
  message.text(8, tensor.name);
  message.bytes(9, values);
  return message;
}

/// ValueInfoProto.
Message port(const OnnxPort& port) {
  Message shape;
  for (const auto& extent : port.shape) {
    Message dimension;
    if (const auto* name = std::get_if<std::string>(&extent)) {
      dimension.text(2, *name);
    } else {
      dimension.integer(1, std::get<std::int64_t>(extent));
    }
    shape.message(1, dimension);
  }
  Message tensor;
  tensor.integer(1, kOnnxFloat);
  tensor.message(2, shape);
  Message type;
  type.message(1, tensor);
  Message message;
  message.text(1, port.name);
  message.message(2, type);
  return message;
}

/// GraphProto.
Message graph(const OnnxModel& model) {
  std::size_t constant_bytes = 0;
  for (const OnnxTensor& tensor : model.constants) constant_bytes += bytes_of(tensor).size();
  Message message;
  message.reserve(constant_bytes + (std::size_t{1} << 20));
  for (const OnnxNode& step : model.nodes) message.message(1, node(step));
  message.text(2, model.name);
  for (const OnnxTensor& tensor : model.constants) message.message(5, constant(tensor));
  for (const OnnxPort& input : model.inputs) message.message(11, port(input));
  for (const OnnxPort& output : model.outputs) message.message(12, port(output));
  return message;
}

}  // namespace

std::vector<std::byte> serialize(const OnnxModel& model) {
  const Message content = graph(model);
  Message message;
  message.reserve(content.size() + (std::size_t{1} << 16));
  message.integer(1, kIrVersion);
  message.text(2, model.producer);
  message.text(3, model.producer_version);
  message.message(7, content);
  Message opset;
  opset.text(1, "");  // ONNX's own operators
  opset.integer(2, model.opset);
  message.message(8, opset);
  for (const auto& [key, value] : model.metadata) {
    Message entry;
    entry.text(1, key);
    entry.text(2, value);
    message.message(14, entry);
  }
  return message.take();
}

}  // namespace retinaface::interchange
