// The kernels of bytes.h for AVX2.

#include "runtime/kernels/bytes_columns.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "runtime/kernels/bytes_target.h"
RF_BEGIN_TARGET("avx2,fma")

namespace retinaface::runtime::kernels {
#define RF_DOT(sum, a, w) \
  _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, w), _mm256_set1_epi16(1)))
#define RF_CELLS 4
#include "runtime/kernels/bytes_avx2-inl.h"
// After what it stands on.
#include "runtime/kernels/bytes-inl.h"

ByteKernels byte_kernels_avx2() {
  return kernels_named("avx2", false);
}
}  // namespace retinaface::runtime::kernels
RF_END_TARGET
#endif
