#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "runtime/kernels/bytes.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::cpu {

struct SeparableTask {
  kernels::Depthwise depthwise;
  kernels::Pointwise pointwise;
};

struct ByteSeparableTask {
  kernels::ByteDepthwise depthwise;
  kernels::ByteConvolution pointwise;
};

/// Layers of which each reads what the one before it writes, and nothing else does: run a few rows
/// at a time, so that of the maps between only the last rows are ever in memory, and those in the
/// cache. All on floats, or all on bytes; a stem can only be the first.
struct ChainTask {
  using Stage = std::variant<kernels::Stem, SeparableTask, kernels::ByteStem, ByteSeparableTask>;
  std::vector<Stage> stages;
};

inline constexpr std::size_t kMaxChainStages = 8;

/// Whether it is one that reads the image.
bool begins_with_stem(const ChainTask::Stage& stage);

/// How a chain runs on a map of one size: by stage what it yields, and where its memory is.
struct ChainLayout {
  struct Stage {
    std::int64_t height = 0;
    std::int64_t width = 0;
    std::int64_t stride = 1;
    std::int64_t rows_at_once = 1;
    std::int64_t ring_rows = 0;  ///< of the ring it writes; 0 for the last, which writes the target
    std::int64_t blocks = 0;
    std::size_t ring = 0;     ///< bytes from the start of the chain's memory
    std::size_t scratch = 0;  ///< the same
  };
  std::vector<Stage> stages;
  std::size_t bytes = 0;
};
ChainLayout chain_layout(const ChainTask& chain, std::int64_t height, std::int64_t width);

/// Where the first stage reads and the last one writes; of two that are alternatives one is set.
struct ChainEnds {
  kernels::StemInput image;       ///< of a stem
  kernels::Map floats_in;         ///< of another first stage
  kernels::ByteMap bytes_in;      ///< the same
  kernels::BlockPointers planes;  ///< of floats by kernels on floats
  kernels::FloatTarget floats_out;
  const kernels::ByteMap* bytes_out = nullptr;
};

/// The planes of the rings of floats, by stage, where `memory` is the chain's; empty for bytes.
std::vector<std::vector<float*>> ring_planes(const ChainTask& chain, const ChainLayout& layout,
                                             std::byte* memory);

/// Runs all of it. Allocates nothing.
void run_chain(const ChainTask& chain, const ChainLayout& layout,
               const std::vector<std::vector<float*>>& rings, const ChainEnds& ends,
               std::byte* memory);

}  // namespace retinaface::runtime::cpu
