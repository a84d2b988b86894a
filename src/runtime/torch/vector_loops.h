#pragma once

#include <cstdint>

// What the plain loops over adjacent channels share. They are compiled for several CPUs and chosen
// when the program starts; target_clones does not take templates, so each loop is an inline
// template with one function per type around it. That a comparison might trap (on a NaN) would keep
// GCC from making vectors of `a > 0 ? b : c` without AVX-512's masks; nobody asks for traps. With
// options of its own a function inlines only what is told to be (RF_INLINE), not even
// std::bit_cast (benchmarks/training_loops.cc).
#define RF_EACH_CPU                                                            \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), \
                 optimize("O3", "no-trapping-math")))
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
