#include "base/multiply_add_peak.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include "base/cpu.h"
#endif

namespace retinaface {
inline namespace internal {

#if defined(__x86_64__)
namespace {

/// The best rate of a loop that does `per_step` multiply-adds in each of its steps.
template <typename Loop>
__attribute__((always_inline)) inline double best_rate(int per_step, Loop loop) {
  constexpr int kSteps = 1 << 18;
  constexpr int kRounds = 20;
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    loop(kSteps);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, double{kSteps} * per_step / seconds.count());
  }
  return best;
}

// Instructions are spelt out: what compilers make of intrinsics has copies between them. Their
// registers hold what they held, which no speed depends on but that of subnormal floats: zeros.
#define RF_TWELVE(i, r)                                                                            \
  i " %%" r "14, %%" r "15, %%" r "0\n" i " %%" r "14, %%" r "15, %%" r "1\n" i " %%" r "14, %%" r \
    "15, %%" r "2\n" i " %%" r "14, %%" r "15, %%" r "3\n" i " %%" r "14, %%" r "15, %%" r "4\n" i \
    " %%" r "14, %%" r "15, %%" r "5\n" i " %%" r "14, %%" r "15, %%" r "6\n" i " %%" r "14, %%" r \
    "15, %%" r "7\n" i " %%" r "14, %%" r "15, %%" r "8\n" i " %%" r "14, %%" r "15, %%" r "9\n" i \
    " %%" r "14, %%" r "15, %%" r "10\n" i " %%" r "14, %%" r "15, %%" r "11\n"
#define RF_CLOBBERED                                                                       \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define RF_PEAK(name, products, twelve)                                      \
  double name() {                                                            \
    return best_rate(12 * (products), [](int steps) {                        \
      asm volatile("vzeroall" ::: RF_CLOBBERED);                             \
      for (int i = 0; i < steps; ++i) asm volatile(twelve ::: RF_CLOBBERED); \
    });                                                                      \
  }

RF_PEAK(float32_avx512, 16, RF_TWELVE("vfmadd231ps", "zmm"))
RF_PEAK(float32_avx2, 8, RF_TWELVE("vfmadd231ps", "ymm"))
RF_PEAK(bfloat16_avx512, 32, RF_TWELVE("vdpbf16ps", "zmm"))
RF_PEAK(int8_vnni, 64, RF_TWELVE("vpdpbusd", "zmm"))
RF_PEAK(int8_avxvnni, 32, RF_TWELVE("%{vex%} vpdpbusd", "ymm"))
// Three instructions that do not wait for each other, as many as there are multiply-adds in them.
RF_PEAK(int8_avx2, 32,
        RF_TWELVE("vpmaddubsw", "ymm") RF_TWELVE("vpmaddwd", "ymm") RF_TWELVE("vpaddd", "ymm"))

#undef RF_PEAK
#undef RF_CLOBBERED
#undef RF_TWELVE

}  // namespace

double float32_multiply_add_peak() {
  if (simd_level() == SimdLevel::kAvx512) return float32_avx512();
  return simd_level() == SimdLevel::kAvx2 ? float32_avx2() : 0;
}

double bfloat16_multiply_add_peak() {
  return has_bfloat16_products() ? bfloat16_avx512() : 0;
}

double int8_multiply_add_peak() {
  if (has_int8_dot_products()) {
    return simd_level() == SimdLevel::kAvx512 ? int8_vnni() : int8_avxvnni();
  }
  return simd_level() >= SimdLevel::kAvx2 ? int8_avx2() : 0;
}

#else

double float32_multiply_add_peak() {
  return 0;
}
double bfloat16_multiply_add_peak() {
  return 0;
}
double int8_multiply_add_peak() {
  return 0;
}

#endif

}  // namespace internal
}  // namespace retinaface
