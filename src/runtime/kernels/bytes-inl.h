// The kernels of bytes.h for one instruction set, one file an operator. Included once by the file
// of each set, within its namespace and compiler options, after `Ops` is defined: what the set does
// with B lanes of 32 bits. None of these files may include more of the standard library than
// bytes_columns.h has by then.

#include "runtime/kernels/bytes_conversion-inl.h"
#include "runtime/kernels/bytes_convolution-inl.h"
#include "runtime/kernels/bytes_separable-inl.h"
#include "runtime/kernels/bytes_stem-inl.h"
#include "runtime/kernels/bytes_upsample-inl.h"

namespace {

ByteKernels kernels_named(const char* name, bool has_dot_instruction) {
  return {name,
          Ops::kBlock,
          has_dot_instruction,
          &blocks_at_once,
          &byte_convolution,
          &byte_separable,
          &byte_stem,
          [](std::int64_t in_width) {
            return static_cast<std::size_t>(ByteStemRows(in_width).words());
          },
          &byte_add_upsampled,
          &floats_to_bytes,
          &bytes_to_floats};
}

}  // namespace
