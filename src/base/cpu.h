#pragma once

namespace retinaface {
inline namespace internal {

/// Instruction sets that code of our own is compiled for, each including the ones before it.
enum class SimdLevel {
  kBaseline,  ///< what every CPU of the architecture has
  kAvx2,      ///< with FMA
  kAvx512,    ///< F, CD, BW, DQ and VL
};

/// The best level that this CPU has, or less where the environment variable RETINAFACE_SIMD says
/// "baseline", "avx2" or "avxvnni" (AVX2 with AVX-VNNI), for tests and for comparing. The same for
/// the life of the process. Throws Error(kInvalidArgument) where the variable says something else,
/// but for "avx512".
SimdLevel simd_level();

const char* to_string(SimdLevel level);

/// Whether this CPU multiplies bfloat16 (AVX512-BF16, as all with AMX do), and RETINAFACE_SIMD
/// does not ask for less. Where it does not, such products are computed many times slower.
bool has_bfloat16_products();

/// Whether this CPU sums four products of bytes in one instruction (AVX512-VNNI or, without
/// AVX-512, AVX-VNNI; arm64's dotprod), and RETINAFACE_SIMD does not ask for less.
bool has_int8_dot_products();

/// Whether it is AVX-VNNI that does it, or could: in registers of AVX2.
bool has_avx_vnni();

/// The same of unsigned by signed bytes (x86's, arm64's i8mm).
bool has_mixed_dot_products();

/// Threads that this process may run at once, at least 1: the CPUs that it is bound to (taskset),
/// or fewer where its control groups limit their time (cpu_quota.h), a part of a CPU counting as
/// one. Looked at once, and the same for the life of the process.
int core_count();

/// How many threads are meant by an option whose 0 stands for the default, core_count().
int thread_count(int asked);

}  // namespace internal
}  // namespace retinaface
