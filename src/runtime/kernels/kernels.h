#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/cpu.h"
#include "runtime/kernels/deformable.h"
#include "runtime/kernels/dense.h"
#include "runtime/kernels/map.h"
#include "runtime/kernels/pointwise.h"
#include "runtime/kernels/separable.h"
#include "runtime/kernels/stem.h"
#include "runtime/kernels/upsample.h"
#include "runtime/kernels/winograd.h"

namespace retinaface::runtime::kernels {

/// The kernels of one instruction set: one column of the table whose rows are the operators. Each
/// operator is written once (NAME-inl.h) and compiled for every column (kernels.cc); what an
/// instruction set does better by instructions of its own goes into a column of its own.
struct Kernels {
  const char* name = "";
  SimdLevel level = SimdLevel::kBaseline;  ///< what the processor must have
  std::int64_t block = 0;                  ///< B: channels of one vector register
  /// Of the products of pointwise, dense, separable and winograd: kFloat32, or kBFloat16, whose
  /// sums are float32, as are maps and all else.
  graph::DataType type = graph::DataType::kFloat32;
  bool has_word_products = false;  ///< those of make_word_winograd

  void (*pointwise)(const Pointwise&, const Map& in, const BlockPointers& out,
                    const Addend&) = nullptr;
  void (*dense)(const Dense&, const Map& in, const BlockPointers& out, const Addend&,
                float* scratch) = nullptr;
  std::size_t (*dense_floats)(const Dense&) = nullptr;
  void (*separable)(const Depthwise&, const Pointwise&, const Map& in, const BlockPointers& out,
                    const RowRange&, float* scratch) = nullptr;
  std::int64_t (*separable_rows)(const Depthwise&, std::int64_t in_width) = nullptr;
  std::size_t (*separable_floats)(const Depthwise&, std::int64_t in_width) = nullptr;
  void (*winograd)(const Winograd&, const Map& in, const BlockPointers& out, const RowRange&,
                   const Addend&, float* scratch) = nullptr;
  std::int64_t winograd_tiles = 0;  ///< worked on at once
  std::size_t (*winograd_floats)(const Winograd&) = nullptr;
  void (*deformable)(const Deformable&, const Map& in, const Map& offsets, const BlockPointers& out,
                     float* scratch) = nullptr;
  std::size_t (*deformable_floats)(const Deformable&) = nullptr;
  void (*stem)(const Stem&, const StemInput&, const BlockPointers& out, const RowRange&,
               float* scratch) = nullptr;
  std::size_t (*stem_floats)(const Stem&, std::int64_t in_width) = nullptr;
  void (*add_upsampled)(const Map& source, const Map& target, std::int64_t blocks,
                        const RowRange&) = nullptr;
};

/// Those of a type that this processor runs and RETINAFACE_SIMD allows, best first. In float32 none
/// on an x86 without SSE4; in bfloat16 one on an x86 with AVX512-BF16, else none.
std::span<const Kernels* const> available(graph::DataType type = graph::DataType::kFloat32);

/// The first of them, or null.
const Kernels* best(graph::DataType type = graph::DataType::kFloat32);

}  // namespace retinaface::runtime::kernels
