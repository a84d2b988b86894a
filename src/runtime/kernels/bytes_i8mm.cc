// The kernels of bytes.h for arm64 with i8mm (Armv8.6, and from Armv8.2 on where it is offered),
// which sums four products of unsigned by signed bytes at once. Highway 1.0.3 has no such operator,
// hence intrinsics.

#include "runtime/kernels/bytes_columns.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include "runtime/kernels/bytes_target.h"
RF_BEGIN_TARGET("arch=armv8.2-a+i8mm")

namespace retinaface::runtime::kernels {
#define RF_DOT(sum, a, w) vusdotq_s32(sum, a, w)
#include "runtime/kernels/bytes_neon-inl.h"
// After what it stands on.
#include "runtime/kernels/bytes-inl.h"

ByteKernels byte_kernels_i8mm() {
  return kernels_named("i8mm", true);
}
}  // namespace retinaface::runtime::kernels
RF_END_TARGET
#endif
