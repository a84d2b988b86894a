#include "runtime/kernels/upsample.h"

#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

void add_upsampled(const Kernels& kernels, const Map& source, const Map& target,
                   std::int64_t blocks) {
  add_upsampled(kernels, source, target, blocks, {0, target.height});
}

void add_upsampled(const Kernels& kernels, const Map& source, const Map& target,
                   std::int64_t blocks, const RowRange& rows) {
  kernels.add_upsampled(source, target, blocks, rows);
}

}  // namespace retinaface::runtime::kernels
