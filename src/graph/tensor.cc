#include "graph/tensor.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "base/half.h"

namespace retinaface::graph {

std::string_view to_string(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return "float32";
    case DataType::kFloat16:
      return "float16";
    case DataType::kBFloat16:
      return "bfloat16";
    case DataType::kInt8:
      return "int8";
    case DataType::kUInt8:
      return "uint8";
  }
  RF_CHECK(false);
}

std::size_t element_bytes(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return 4;
    case DataType::kFloat16:
    case DataType::kBFloat16:
      return 2;
    case DataType::kInt8:
    case DataType::kUInt8:
      return 1;
  }
  RF_CHECK(false);
}

Tensor Tensor::of_shape(std::vector<std::int64_t> shape, DataType type) {
  std::size_t elements = 1;
  for (const std::int64_t extent : shape) {
    RF_CHECK(extent >= 0);
    elements *= static_cast<std::size_t>(extent);
  }
  return {std::move(shape), type, AlignedBuffer<std::byte>(elements * element_bytes(type))};
}

Tensor Tensor::clone() const {
  Tensor copy = of_shape(shape, type);
  std::ranges::copy(bytes, copy.bytes.begin());
  return copy;
}

std::string to_string(std::span<const std::int64_t> shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

Tensor as_float32(const Tensor& tensor) {
  Tensor result = Tensor::of_shape(tensor.shape);
  float* const values = result.values().data();
  switch (tensor.type) {
    case DataType::kFloat32:
      std::ranges::copy(tensor.values(), values);
      break;
    case DataType::kFloat16:
      std::ranges::transform(tensor.values<Float16>(), values,
                             [](Float16 value) { return float_from_half(value.bits); });
      break;
    case DataType::kBFloat16:
      std::ranges::transform(tensor.values<BFloat16>(), values,
                             [](BFloat16 value) { return float_from_bfloat16(value.bits); });
      break;
    case DataType::kInt8:
      std::ranges::copy(tensor.values<std::int8_t>(), values);
      break;
    case DataType::kUInt8:
      std::ranges::copy(tensor.values<std::uint8_t>(), values);
      break;
  }
  return result;
}

}  // namespace retinaface::graph
