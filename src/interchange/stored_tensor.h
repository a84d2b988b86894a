#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/tensor.h"

namespace retinaface::interchange {

/// Files hold types that no graph::DataType is, such as int64 and bool, which graph::Tensor lacks.
enum class ElementType {
  kFloat32,
  kFloat16,
  kBFloat16,
  kFloat64,
  kInt64,
  kInt32,
  kInt16,
  kInt8,
  kUInt8,
  kBool
};

ElementType element_type(graph::DataType type);
std::size_t element_bytes(ElementType type);
std::string_view element_name(ElementType type);

/// A tensor as it lies in a file: any element type, any strides.
struct StoredTensor {
  ElementType type = ElementType::kFloat32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  ///< of each extent, in elements, not negative
  std::span<const std::byte> bytes;   ///< from the first element to the end of its storage
};

/// Number of elements from the first to the last that shape and strides touch, 0 when an extent is
/// 0; a negative number when an extent or stride is negative or the count leaves 63 bits.
std::int64_t touched_elements(std::span<const std::int64_t> shape,
                              std::span<const std::int64_t> strides);

/// A dense float32 copy. Throws Error(kUnsupported) for integers, the message starting with
/// `source` and naming the tensor. Allocates shape's worth of memory: the caller knows the shape to
/// be sensible (strides of 0 make any shape fit into a small storage).
graph::Tensor to_float32(const StoredTensor& tensor, std::string_view name,
                         const std::string& source);

}  // namespace retinaface::interchange
