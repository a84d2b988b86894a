#pragma once

// For the files of the columns of bytes.h's table: what they need of the standard library, before
// they ask for further instructions.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/kernels/bytes.h"
#include "runtime/kernels/pieces.h"

namespace retinaface::runtime::kernels {

#if defined(__x86_64__)
ByteKernels byte_kernels_vnni();
ByteKernels byte_kernels_avx512();
ByteKernels byte_kernels_avxvnni();
ByteKernels byte_kernels_avx2();
#elif defined(__aarch64__)
ByteKernels byte_kernels_i8mm();
ByteKernels byte_kernels_dotprod();
#endif

}  // namespace retinaface::runtime::kernels
