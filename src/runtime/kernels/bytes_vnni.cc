// The kernels of bytes.h for AVX-512 with VNNI, which sums four products of bytes at once. Highway
// has no such operator, hence intrinsics.

#include "runtime/kernels/bytes_columns.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// False in intrinsics (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include "runtime/kernels/bytes_target.h"
RF_BEGIN_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma")

namespace retinaface::runtime::kernels {
namespace {

/// GCC 12 surrounds the intrinsic with copies of the sum, in registers and on the stack.
inline __m512i dot_bytes(__m512i sum, __m512i a, __m512i w) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(w));
  return sum;
}

}  // namespace
#define RF_DOT(sum, a, w) dot_bytes(sum, a, w)
#include "runtime/kernels/bytes_avx512-inl.h"
// After what it stands on.
#include "runtime/kernels/bytes-inl.h"

ByteKernels byte_kernels_vnni() {
  return kernels_named("vnni", true);
}
}  // namespace retinaface::runtime::kernels
RF_END_TARGET
#endif
