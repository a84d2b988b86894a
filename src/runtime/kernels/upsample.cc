#include "runtime/kernels/upsample.h"

#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

void add_upsampled(const Kernels& kernels, const Map& source, const Map& target,
                   std::int64_t blocks) {
  kernels.add_upsampled(source, target, blocks);
}

}  // namespace retinaface::runtime::kernels
