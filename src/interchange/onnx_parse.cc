#include <bit>
#include <cstring>
#include <limits>
#include <protozero/pbf_reader.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "graph/tensor.h"
#include "interchange/onnx_model.h"

namespace retinaface::interchange {
namespace {

// Field numbers and codes as in onnx.proto; they never change.

constexpr std::size_t kMaxNodes = 20000;
constexpr std::size_t kMaxConstants = 40000;
constexpr std::size_t kMaxRank = 8;

enum ElementCode : std::int64_t {
  kFloat = 1,
  kInt32 = 6,
  kInt64 = 7,
  kFloat16 = 10,
  kDouble = 11,
  kBFloat16 = 16
};

/// The fields of one message, in their order. A getter throws Error where the field is of another
/// wire type than it should be.
class Message {
 public:
  Message(std::string_view content, const std::string& source)
      : reader_(content.data(), content.size()), source_(source) {}

  bool next() { return reader_.next(); }
  std::uint32_t field() const { return reader_.tag(); }
  void skip() { reader_.skip(); }

  std::int64_t integer() {
    expect(protozero::pbf_wire_type::varint);
    return reader_.get_int64();
  }
  float number() {
    expect(protozero::pbf_wire_type::fixed32);
    return reader_.get_float();
  }
  std::string_view bytes() {
    expect(protozero::pbf_wire_type::length_delimited);
    const protozero::data_view view = reader_.get_view();
    return {view.data(), view.size()};
  }
  std::string text() { return std::string(bytes()); }
  Message message() { return {bytes(), source_}; }

  /// Appends one value or, packed, several.
  void integers(std::vector<std::int64_t>& values) {
    if (reader_.wire_type() == protozero::pbf_wire_type::varint) {
      values.push_back(reader_.get_int64());
      return;
    }
    expect(protozero::pbf_wire_type::length_delimited);
    for (const std::int64_t value : reader_.get_packed_int64()) values.push_back(value);
  }
  void numbers(std::vector<float>& values) { fixed(values, protozero::pbf_wire_type::fixed32); }
  void doubles(std::vector<double>& values) { fixed(values, protozero::pbf_wire_type::fixed64); }

  template <typename... Args>
  [[noreturn]] void refuse(ErrorCode code, fmt::format_string<Args...> format,
                           Args&&... args) const {
    fail(code, "{}: {}", source_, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void expect(protozero::pbf_wire_type type) const {
    if (reader_.wire_type() == type) return;
    refuse(ErrorCode::kBadData, "is no ONNX file: field {} has the wire type {}, expected {}",
           reader_.tag(), static_cast<int>(reader_.wire_type()), static_cast<int>(type));
  }

  template <typename T>
  void fixed(std::vector<T>& values, protozero::pbf_wire_type single) {
    static_assert(std::endian::native == std::endian::little);
    if (reader_.wire_type() == single) {
      if constexpr (sizeof(T) == 4) values.push_back(reader_.get_float());
      if constexpr (sizeof(T) == 8) values.push_back(reader_.get_double());
      return;
    }
    const std::string_view packed = bytes();
    if (packed.size() % sizeof(T) != 0) {
      refuse(ErrorCode::kBadData, "{} bytes are no whole number of values of {}", packed.size(),
             sizeof(T));
    }
    const std::size_t before = values.size();
    values.resize(before + packed.size() / sizeof(T));
    if (!packed.empty()) std::memcpy(values.data() + before, packed.data(), packed.size());
  }

  protozero::pbf_reader reader_;
  const std::string& source_;
};

/// TensorProto's fields before they are put together.
struct StoredValues {
  std::int64_t type = 0;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
  std::vector<double> doubles;
  std::string_view raw;
  bool external = false;
};

/// The raw bytes as elements of T.
template <typename T>
std::vector<T> unpacked(std::string_view raw) {
  std::vector<T> values(raw.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), raw.data(), values.size() * sizeof(T));
  return values;
}

std::vector<float> widened(graph::DataType type, const std::vector<std::uint16_t>& bits) {
  graph::Tensor narrow = graph::Tensor::of_shape({static_cast<std::int64_t>(bits.size())}, type);
  std::memcpy(narrow.bytes.data(), bits.data(), narrow.bytes.size());
  const graph::Tensor wide = graph::as_float32(narrow);
  return {wide.values().begin(), wide.values().end()};
}

/// Reads a TensorProto but for what its values mean.
StoredValues stored_values(Message& message, OnnxTensor& tensor) {
  StoredValues stored;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        message.integers(tensor.shape);
        break;
      case 2:
        stored.type = message.integer();
        break;
      case 4:
        message.numbers(stored.floats);
        break;
      case 5:
      case 7:
        message.integers(stored.integers);
        break;
      case 8:
        tensor.name = message.text();
        break;
      case 9:
        stored.raw = message.bytes();
        break;
      case 10:
        message.doubles(stored.doubles);
        break;
      case 13:
        stored.external = true;
        message.skip();
        break;
      case 14:
        stored.external = stored.external || message.integer() == 1;
        break;
      default:
        message.skip();
    }
  }
  return stored;
}

/// How many elements a tensor's shape stands for; refuses one that nothing could hold.
std::uint64_t element_count(const OnnxTensor& tensor, const Message& message) {
  if (tensor.shape.size() > kMaxRank) {
    message.refuse(ErrorCode::kUnsupported,
                   "the tensor '{}' has {} dimensions, expected at most {}", excerpt(tensor.name),
                   tensor.shape.size(), kMaxRank);
  }
  std::uint64_t elements = 1;
  for (const std::int64_t extent : tensor.shape) {
    constexpr std::int64_t kMaxExtent = std::numeric_limits<std::int32_t>::max();
    if (extent < 0 || extent > kMaxExtent ||
        (extent > 0 && elements > (std::uint64_t{1} << 34) / static_cast<std::uint64_t>(extent))) {
      message.refuse(ErrorCode::kBadData, "the tensor '{}' cannot have the shape {}",
                     excerpt(tensor.name), graph::to_string(tensor.shape));
    }
    elements *= static_cast<std::uint64_t>(extent);
  }
  return elements;
}

OnnxTensor tensor(Message message) {
  OnnxTensor result;
  StoredValues stored = stored_values(message, result);
  if (stored.external) {
    message.refuse(ErrorCode::kUnsupported,
                   "the tensor '{}' lies in another file; save the model with its data inside "
                   "(onnx.save(model, FILE, save_as_external_data=False))",
                   excerpt(result.name));
  }
  const std::uint64_t elements = element_count(result, message);
  const auto counted = [&](auto values, std::size_t element_bytes) {
    if (values.size() != elements ||
        (!stored.raw.empty() && stored.raw.size() != elements * element_bytes)) {
      message.refuse(ErrorCode::kBadData, "the tensor '{}' of shape {} has {} values",
                     excerpt(result.name), graph::to_string(result.shape), values.size());
    }
    return values;
  };
  const bool raw = !stored.raw.empty();
  const auto narrow = [&](graph::DataType type) {
    std::vector<std::uint16_t> bits = unpacked<std::uint16_t>(stored.raw);
    for (const std::int64_t value : stored.integers) {
      bits.push_back(static_cast<std::uint16_t>(value));
    }
    return widened(type, counted(std::move(bits), 2));
  };
  switch (stored.type) {
    case kFloat:
      result.values = counted(raw ? unpacked<float>(stored.raw) : std::move(stored.floats), 4);
      break;
    case kDouble: {
      const std::vector<double> values =
          counted(raw ? unpacked<double>(stored.raw) : std::move(stored.doubles), 8);
      std::vector<float> rounded(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) rounded[i] = static_cast<float>(values[i]);
      result.values = std::move(rounded);
      break;
    }
    case kFloat16:
      result.values = narrow(graph::DataType::kFloat16);
      break;
    case kBFloat16:
      result.values = narrow(graph::DataType::kBFloat16);
      break;
    case kInt64:
      result.values =
          counted(raw ? unpacked<std::int64_t>(stored.raw) : std::move(stored.integers), 8);
      break;
    case kInt32: {
      std::vector<std::int64_t> values = std::move(stored.integers);
      for (const std::int32_t value : unpacked<std::int32_t>(stored.raw)) values.push_back(value);
      result.values = counted(std::move(values), 4);
      break;
    }
    default:
      message.refuse(ErrorCode::kUnsupported,
                     "the tensor '{}' has elements of ONNX's type {}, expected floats or integers",
                     excerpt(result.name), stored.type);
  }
  return result;
}

void attribute(Message message, OnnxNode& node) {
  std::string name;
  std::int64_t kind = 0;
  OnnxAttribute single;
  std::vector<std::int64_t> integers;
  std::vector<float> numbers;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        name = message.text();
        break;
      case 2:
        single = message.number();
        break;
      case 3:
        single = message.integer();
        break;
      case 4:
        single = message.text();
        break;
      case 5:
        single = tensor(message.message());
        break;
      case 7:
        message.numbers(numbers);
        break;
      case 8:
        message.integers(integers);
        break;
      case 20:
        kind = message.integer();
        break;
      default:
        message.skip();  // graphs and others: whoever needs the attribute misses it
    }
  }
  constexpr std::int64_t kFloats = 6;
  constexpr std::int64_t kIntegers = 7;
  if (!numbers.empty() || kind == kFloats) single = std::move(numbers);
  if (!integers.empty() || kind == kIntegers) single = std::move(integers);
  node.attributes.emplace_back(std::move(name), std::move(single));
}

OnnxNode node(Message message) {
  OnnxNode result;
  bool has_output = false;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        result.inputs.push_back(message.text());
        break;
      case 2: {
        std::string output = message.text();
        if (!std::exchange(has_output, true)) result.output = std::move(output);
        break;
      }
      case 3:
        result.name = message.text();
        break;
      case 4:
        result.op = message.text();
        break;
      case 5:
        attribute(message.message(), result);
        break;
      case 7:
        result.domain = message.text();
        break;
      default:
        message.skip();
    }
  }
  return result;
}

/// TensorShapeProto's extents into the port.
void shape(Message message, OnnxPort& port) {
  while (message.next()) {
    if (message.field() != 1) {
      message.skip();
      continue;
    }
    auto& extent = port.shape.emplace_back(std::string());
    Message dimension = message.message();
    while (dimension.next()) {
      if (dimension.field() == 1) {
        extent = dimension.integer();
      } else if (dimension.field() == 2) {
        extent = dimension.text();
      } else {
        dimension.skip();
      }
    }
  }
}

OnnxPort port(Message message) {
  OnnxPort result;
  while (message.next()) {
    if (message.field() == 1) {
      result.name = message.text();
      continue;
    }
    if (message.field() != 2) {
      message.skip();
      continue;
    }
    Message type = message.message();
    while (type.next()) {
      if (type.field() != 1) {
        type.skip();
        continue;
      }
      Message tensor_type = type.message();
      while (tensor_type.next()) {
        if (tensor_type.field() == 2) {
          shape(tensor_type.message(), result);
        } else {
          tensor_type.skip();
        }
      }
    }
  }
  return result;
}

void graph(Message message, OnnxModel& model) {
  while (message.next()) {
    switch (message.field()) {
      case 1:
        model.nodes.push_back(node(message.message()));
        if (model.nodes.size() > kMaxNodes) {
          message.refuse(ErrorCode::kUnsupported, "more than {} nodes", kMaxNodes);
        }
        break;
      case 2:
        model.name = message.text();
        break;
      case 5:
        model.constants.push_back(tensor(message.message()));
        if (model.constants.size() > kMaxConstants) {
          message.refuse(ErrorCode::kUnsupported, "more than {} constants", kMaxConstants);
        }
        break;
      case 11:
        model.inputs.push_back(port(message.message()));
        break;
      case 12:
        model.outputs.push_back(port(message.message()));
        break;
      case 15:
        message.refuse(ErrorCode::kUnsupported, "has sparse tensors, which are not read");
      default:
        message.skip();
    }
  }
}

OnnxModel model(Message message) {
  OnnxModel result;
  bool has_graph = false;
  while (message.next()) {
    switch (message.field()) {
      case 2:
        result.producer = message.text();
        break;
      case 3:
        result.producer_version = message.text();
        break;
      case 7:
        graph(message.message(), result);
        has_graph = true;
        break;
      case 8: {
        std::string domain;
        std::int64_t version = 0;
        Message opset = message.message();
        while (opset.next()) {
          if (opset.field() == 1) {
            domain = opset.text();
          } else if (opset.field() == 2) {
            version = opset.integer();
          } else {
            opset.skip();
          }
        }
        if (domain.empty() || domain == "ai.onnx") result.opset = version;
        break;
      }
      case 14: {
        std::string key;
        std::string value;
        Message entry = message.message();
        while (entry.next()) {
          if (entry.field() == 1) {
            key = entry.text();
          } else if (entry.field() == 2) {
            value = entry.text();
          } else {
            entry.skip();
          }
        }
        result.metadata.insert_or_assign(std::move(key), std::move(value));
        break;
      }
      default:
        message.skip();
    }
  }
  if (!has_graph) message.refuse(ErrorCode::kBadData, "is no ONNX file: it has no graph");
  return result;
}

}  // namespace

OnnxModel parse_onnx(std::span<const std::byte> content, const std::string& source) {
  const std::string_view bytes = text_of(content);
  try {
    return model(Message(bytes, source));
  } catch (const protozero::exception& error) {
    fail(ErrorCode::kBadData, "{}: is no ONNX file, or was cut short: {}", source, error.what());
  }
}

}  // namespace retinaface::interchange
