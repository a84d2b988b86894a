#include "runtime/cpu/library.h"

#include "base/check.h"
#include "base/cpu.h"
#include "runtime/cpu/schedule.h"

namespace retinaface::runtime::cpu {

const dnnl::engine& library_engine() {
  static const dnnl::engine engine = [] {
    // Both sides must agree on the block.
    if (simd_level() == SimdLevel::kAvx2) dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
    if (simd_level() == SimdLevel::kBaseline) dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

std::int64_t channel_block() {
  if (own_kernels() != nullptr) return own_kernels()->block;
  return 8;  // oneDNN's own for CPUs without AVX2
}

dnnl::memory::data_type library_type(graph::DataType type) {
  switch (type) {
    case graph::DataType::kFloat32:
      return dnnl::memory::data_type::f32;
    case graph::DataType::kFloat16:
      return dnnl::memory::data_type::f16;
    case graph::DataType::kBFloat16:
      return dnnl::memory::data_type::bf16;
    case graph::DataType::kInt8:
      return dnnl::memory::data_type::s8;
    case graph::DataType::kUInt8:
      return dnnl::memory::data_type::u8;
  }
  RF_CHECK(false);
}

}  // namespace retinaface::runtime::cpu
