// The kernels of bytes.h for AVX-512 without VNNI.

#include "runtime/kernels/bytes_columns.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// False in intrinsics (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include "runtime/kernels/bytes_target.h"
RF_BEGIN_TARGET("avx512f,avx512bw,avx512dq,avx512vl,fma")

namespace retinaface::runtime::kernels {
#define RF_DOT(sum, a, w) \
  _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(a, w), _mm512_set1_epi16(1)))
#include "runtime/kernels/bytes_avx512-inl.h"
// After what it stands on.
#include "runtime/kernels/bytes-inl.h"

ByteKernels byte_kernels_avx512() {
  return kernels_named("avx512", false);
}
}  // namespace retinaface::runtime::kernels
RF_END_TARGET
#endif
