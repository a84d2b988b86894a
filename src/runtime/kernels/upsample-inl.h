// Adding a map that is resized by nearest neighbour. Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_UPSAMPLE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_UPSAMPLE_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_UPSAMPLE_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_UPSAMPLE_INL_H_
#endif

#include "runtime/kernels/gemm-inl.h"
#include "runtime/kernels/map.h"
#include "runtime/kernels/pieces.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

inline void upsample(const Map& source, const Map& target, std::int64_t blocks,
                     const RowRange& rows) {
  const FloatTag d;
  for (std::int64_t b = 0; b < blocks; ++b) {
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const float* const from = source.data + b * source.block_stride +
                                y * source.height / target.height * source.width * kBlock;
      float* const to =
          target.data + b * target.block_stride + target.place_of(y) * target.width * kBlock;
      Resampled column(source.width, target.width);
      for (std::int64_t x = 0; x < target.width; ++x) {
        const std::int64_t source_x = column.next();
        hn::Store(hn::Add(hn::Load(d, to + x * kBlock), hn::Load(d, from + source_x * kBlock)), d,
                  to + x * kBlock);
      }
    }
  }
}

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
