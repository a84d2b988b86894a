#include "interchange/stored_tensor.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/half.h"

namespace retinaface::interchange {
namespace {

struct Description {
  std::size_t bytes;
  std::string_view name;
};

/// The types that graph::Tensor has too.
constexpr std::pair<ElementType, graph::DataType> kOfTensors[] = {
    {ElementType::kFloat32, graph::DataType::kFloat32},
    {ElementType::kFloat16, graph::DataType::kFloat16},
    {ElementType::kBFloat16, graph::DataType::kBFloat16},
    {ElementType::kInt8, graph::DataType::kInt8},
    {ElementType::kUInt8, graph::DataType::kUInt8}};

Description description(ElementType type) {
  for (const auto& [in_file, in_tensor] : kOfTensors) {
    if (in_file == type) return {graph::element_bytes(in_tensor), graph::to_string(in_tensor)};
  }
  switch (type) {
    case ElementType::kFloat64:
      return {8, "float64"};
    case ElementType::kInt64:
      return {8, "int64"};
    case ElementType::kInt32:
      return {4, "int32"};
    case ElementType::kInt16:
      return {2, "int16"};
    case ElementType::kBool:
      return {1, "bool"};
    default:
      RF_CHECK(false);
  }
}

template <typename Raw>
Raw load(const std::byte* from) {
  Raw value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Calls `read` with the offset, in elements, of each element in row-major order.
template <typename Read>
void gather(const StoredTensor& tensor, std::span<float> values, Read read) {
  std::vector<std::int64_t> index(tensor.shape.size(), 0);
  std::int64_t offset = 0;
  for (float& value : values) {
    value = read(static_cast<std::size_t>(offset));
    for (std::size_t axis = index.size(); axis-- > 0;) {
      offset += tensor.strides[axis];
      if (++index[axis] < tensor.shape[axis]) break;
      offset -= index[axis] * tensor.strides[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace

ElementType element_type(graph::DataType type) {
  const auto* const found =
      std::ranges::find(kOfTensors, type, &std::pair<ElementType, graph::DataType>::second);
  RF_CHECK(found != std::end(kOfTensors));
  return found->first;
}

std::size_t element_bytes(ElementType type) {
  return description(type).bytes;
}

std::string_view element_name(ElementType type) {
  return description(type).name;
}

std::int64_t touched_elements(std::span<const std::int64_t> shape,
                              std::span<const std::int64_t> strides) {
  RF_CHECK(shape.size() == strides.size());
  std::int64_t last = 0;
  bool empty = false;
  bool impossible = false;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    impossible |= shape[axis] < 0 || strides[axis] < 0;
    empty |= shape[axis] == 0;
    std::int64_t reach = 0;
    if (impossible || empty) continue;
    impossible |= __builtin_mul_overflow(shape[axis] - 1, strides[axis], &reach) ||
                  __builtin_add_overflow(last, reach, &last);
  }
  if (impossible || last == std::numeric_limits<std::int64_t>::max()) return -1;
  return empty ? 0 : last + 1;
}

graph::Tensor to_float32(const StoredTensor& tensor, std::string_view name,
                         const std::string& source) {
  const std::byte* const bytes = tensor.bytes.data();
  const std::int64_t touched = touched_elements(tensor.shape, tensor.strides);
  RF_CHECK(touched >= 0 &&
           static_cast<std::size_t>(touched) <= tensor.bytes.size() / element_bytes(tensor.type));

  graph::Tensor result = graph::Tensor::of_shape(tensor.shape);
  switch (tensor.type) {
    case ElementType::kFloat32:
      gather(tensor, result.values(), [&](std::size_t i) { return load<float>(bytes + 4 * i); });
      break;
    case ElementType::kFloat64:
      gather(tensor, result.values(),
             [&](std::size_t i) { return static_cast<float>(load<double>(bytes + 8 * i)); });
      break;
    case ElementType::kFloat16:
      gather(tensor, result.values(),
             [&](std::size_t i) { return float_from_half(load<std::uint16_t>(bytes + 2 * i)); });
      break;
    case ElementType::kBFloat16:
      gather(tensor, result.values(), [&](std::size_t i) {
        return float_from_bfloat16(load<std::uint16_t>(bytes + 2 * i));
      });
      break;
    default:
      fail(ErrorCode::kUnsupported, "{}: tensor {}: expected floating-point numbers, found {}",
           source, excerpt(name), element_name(tensor.type));
  }
  return result;
}

}  // namespace retinaface::interchange
