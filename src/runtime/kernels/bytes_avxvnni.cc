// The kernels of bytes.h for AVX2 with AVX-VNNI, which sums four products of bytes at once:
// processors for PCs since 2021 that lack AVX-512 have it.

#include "runtime/kernels/bytes_columns.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "runtime/kernels/bytes_target.h"
RF_BEGIN_TARGET("avx2,fma")

namespace retinaface::runtime::kernels {
namespace {

/// In assembly as in bytes_vnni.cc; encoded as on processors without AVX-512.
inline __m256i dot_bytes(__m256i sum, __m256i a, __m256i w) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(w));
  return sum;
}

}  // namespace
#define RF_DOT(sum, a, w) dot_bytes(sum, a, w)
#define RF_CELLS 6
#include "runtime/kernels/bytes_avx2-inl.h"
// After what it stands on.
#include "runtime/kernels/bytes-inl.h"

ByteKernels byte_kernels_avxvnni() {
  return kernels_named("avxvnni", true);
}
}  // namespace retinaface::runtime::kernels
RF_END_TARGET
#endif
