#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/check.h"

namespace retinaface::graph {

/// How the elements of a tensor or a feature map are stored.
enum class DataType {
  kFloat32,
  kFloat16,   ///< IEEE 754 binary16
  kBFloat16,  ///< the upper half of a float32
  kInt8,
  kUInt8,
};

/// As people and options call it: "float32", "float16", "bfloat16", "int8", "uint8".
std::string_view to_string(DataType type);

std::size_t element_bytes(DataType type);

/// A stored number of a type that C++20 lacks, as its bits.
struct Float16 {
  std::uint16_t bits = 0;
};
struct BFloat16 {
  std::uint16_t bits = 0;
};

/// The data type whose elements are of the C++ type T.
template <typename T>
constexpr DataType data_type_of() {
  static_assert(std::same_as<T, float> || std::same_as<T, Float16> || std::same_as<T, BFloat16> ||
                std::same_as<T, std::int8_t> || std::same_as<T, std::uint8_t>);
  if constexpr (std::same_as<T, Float16>) return DataType::kFloat16;
  if constexpr (std::same_as<T, BFloat16>) return DataType::kBFloat16;
  if constexpr (std::same_as<T, std::int8_t>) return DataType::kInt8;
  if constexpr (std::same_as<T, std::uint8_t>) return DataType::kUInt8;
  return DataType::kFloat32;
}

/// A dense array, row-major.
struct Tensor {
  std::vector<std::int64_t> shape;
  DataType type = DataType::kFloat32;
  AlignedBuffer<std::byte> bytes;

  /// Uninitialised values. Extents must not be negative.
  static Tensor of_shape(std::vector<std::int64_t> shape, DataType type = DataType::kFloat32);
  Tensor clone() const;

  std::size_t size() const { return bytes.size() / element_bytes(type); }

  /// The elements, which must be of the type that is asked for: what is read from files becomes
  /// float32 by as_float32.
  template <typename T = float>
  std::span<T> values() {
    RF_CHECK(type == data_type_of<T>());
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <typename T = float>
  std::span<const T> values() const {
    RF_CHECK(type == data_type_of<T>());
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
};

std::string to_string(std::span<const std::int64_t> shape);

/// The same numbers as float32. Nothing is rounded: each number of the other types is a float32
/// too, subnormal ones, infinities and the sign of 0 included; what is not a number stays so, with
/// its bits above zeros.
Tensor as_float32(const Tensor& tensor);

}  // namespace retinaface::graph
