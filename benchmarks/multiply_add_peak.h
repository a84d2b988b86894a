#pragma once

#include <algorithm>
#include <chrono>

// How many multiply-adds of floats one core does at most: chains of fused ones that stay in
// registers, enough of them to fill the pipelines.
namespace retinaface::benchmarks {

template <int bytes, int chains>
__attribute__((always_inline)) inline double multiply_adds_per_s() {
  using Vector __attribute__((vector_size(bytes))) = float;
  constexpr int kSteps = 1 << 20;
  constexpr int kRounds = 20;
  Vector sums[chains] = {};  // std::array would take a vector's attribute from its type
  Vector factor = Vector{} + 0.5F;
  Vector term = Vector{} + 1.0F;
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 32
      for (Vector& sum : sums) sum = sum * factor + term;
      asm volatile("" : "+v"(factor), "+v"(term));
    }
    for (Vector& sum : sums) asm volatile("" : "+v"(sum));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, double{kSteps} * chains * (bytes / sizeof(float)) / seconds.count());
  }
  return best;
}

__attribute__((target("avx512f"))) inline double with_avx512() {
  return multiply_adds_per_s<64, 20>();
}
__attribute__((target("avx2,fma"))) inline double with_avx2() {
  return multiply_adds_per_s<32, 12>();
}

/// Multiply-adds of floats a second, by this thread; the best of twenty tries. 0 without AVX2.
inline double multiply_add_peak() {
  if (__builtin_cpu_supports("avx512f")) return with_avx512();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return with_avx2();
  return 0;
}

}  // namespace retinaface::benchmarks
