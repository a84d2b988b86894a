// The kernels of bytes.h for arm64 with dot products of signed bytes alone (Armv8.2's dotprod).

#include "runtime/kernels/bytes_columns.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include "runtime/kernels/bytes_target.h"
RF_BEGIN_TARGET("arch=armv8.2-a+dotprod")

namespace retinaface::runtime::kernels {
namespace {

/// a * w as (a - 128) * w + 127 * w + w: three products of signed bytes, exactly.
inline int32x4_t dot_bytes(int32x4_t sum, uint8x16_t a, int8x16_t w) {
  const int8x16_t shifted = vreinterpretq_s8_u8(veorq_u8(a, vdupq_n_u8(0x80)));
  sum = vdotq_s32(sum, shifted, w);
  return vdotq_s32(vdotq_s32(sum, w, vdupq_n_s8(127)), w, vdupq_n_s8(1));
}

}  // namespace
#define RF_DOT(sum, a, w) dot_bytes(sum, a, w)
#include "runtime/kernels/bytes_neon-inl.h"
// After what it stands on.
#include "runtime/kernels/bytes-inl.h"

ByteKernels byte_kernels_dotprod() {
  return kernels_named("dotprod", true);
}
}  // namespace retinaface::runtime::kernels
RF_END_TARGET
#endif
