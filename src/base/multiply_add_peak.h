#pragma once

namespace retinaface {
inline namespace internal {

// How many multiply-adds a second one core does at most, measured on the calling thread: chains of
// the processor's best instruction that stay in registers, enough of them to fill the pipelines;
// the best of twenty tries of some milliseconds. 0 where the processor has no such instruction, and
// none for bfloat16 and int8 outside of x86-64.

double float32_multiply_add_peak();   ///< AVX-512 or AVX2 with FMA
double bfloat16_multiply_add_peak();  ///< AVX512-BF16
double int8_multiply_add_peak();      ///< AVX512-VNNI, or AVX2's three instructions for the same

}  // namespace internal
}  // namespace retinaface
