#pragma once

#include <cstdint>

// What the plain loops over adjacent channels share. Highway compiles them for each instruction set
// (base/simd.h); the flags that let the compiler make vectors of all of them stand in
// src/CMakeLists.txt, and `make bench` shows whether it does (benchmarks/training_loops.cc).
#define RF_INLINE __attribute__((always_inline)) inline

namespace retinaface::runtime {

/// bfloat16 as stored: the upper half of a float.
struct Bfloat16 {
  std::uint16_t bits = 0;
};

RF_INLINE float load(float value) {
  return value;
}
RF_INLINE float load(Bfloat16 value) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(value.bits) << 16);
}
RF_INLINE void store(float& target, float value) {
  target = value;
}
/// Rounds to the nearest, ties to even. A NaN stays one: its quiet bit is not among those cut off.
RF_INLINE void store(Bfloat16& target, float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
  target.bits = static_cast<std::uint16_t>((value == value ? rounded : bits) >> 16);
}

}  // namespace retinaface::runtime
