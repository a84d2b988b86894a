#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "runtime/cpu/byte_lowering.h"
#include "runtime/cpu/chain.h"
#include "runtime/kernels/bytes.h"
#include "runtime/kernels/kernels.h"
#include "runtime/lowering.h"

namespace retinaface::runtime::cpu {

/// The kernels of our own that networks run on, null where all goes to oneDNN: on x86-64 without
/// AVX2 it is the faster one on what ours do not cover, and maps have one layout for both. On arm64
/// it has plain loops alone.
inline const kernels::Kernels* own_kernels(graph::DataType type = graph::DataType::kFloat32) {
  const kernels::Kernels* const best = kernels::best(type);
#if defined(__x86_64__)
  if (best != nullptr && best->level == SimdLevel::kBaseline) return nullptr;
#endif
  return best;
}

/// A step that oneDNN executes.
struct LibraryTask {
  std::size_t step = 0;  ///< of the lowered graph
};

/// What one call executes: a kernel of our own with its weights, or a step by oneDNN.
struct Task {
  std::string name;  ///< of the graph's node that the last result belongs to
  std::variant<LibraryTask, ChainTask, kernels::Pointwise, kernels::Dense, kernels::Winograd,
               kernels::Deformable, AddUpsampled, kernels::ByteConvolution, kernels::ByteAddition,
               kernels::ByteConversion>
      action;
  /// All that it reads; a second one of a Pointwise, Dense or Winograd is its addend.
  std::vector<ValueId> sources;
  /// One after the other these make up the kernel's output channels.
  std::vector<ValueId> targets;
  std::size_t last_step = 0;  ///< of the lowered graph's that it executes
};

/// Chooses who executes each step: kernels of our own for the layers that they are made for,
/// several steps as one where that keeps maps in the cache; oneDNN for the rest. Independent of the
/// image's size. Without kernels for this CPU all goes to oneDNN; the graph then has no
/// deformable convolutions, which oneDNN lacks (cpu_backend().supports).
/// `codes` are those of byte_lowering.h, by value; none where all is floats. `type` is that of our
/// kernels' products (kernels::Kernels::type).
std::vector<Task> make_schedule(const LoweredGraph& lowered, const ByteCodes& codes = {},
                                graph::DataType type = graph::DataType::kFloat32);

/// Whether an image less this mean can be read as pixels: what reads it does so, and nothing else
/// reads it.
bool reads_pixels(const std::vector<Task>& schedule, std::span<const float> mean);

}  // namespace retinaface::runtime::cpu
