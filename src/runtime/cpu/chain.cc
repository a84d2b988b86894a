#include "runtime/cpu/chain.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "runtime/arena.h"

namespace retinaface::runtime::cpu {
namespace {

using kernels::ByteMap;
using kernels::RowRange;

std::int64_t stride_of(const kernels::Stem&) {
  return 2;
}
std::int64_t stride_of(const kernels::ByteStem&) {
  return 2;
}
template <typename Separable>
std::int64_t stride_of(const Separable& task) {
  return task.depthwise.stride;
}

std::int64_t blocks_of(const kernels::Stem& stem) {
  return stem.out_channels / stem.kernels->block;
}
std::int64_t blocks_of(const kernels::ByteStem& stem) {
  return stem.pointwise.out_channels / stem.kernels->block;
}
template <typename Separable>
std::int64_t blocks_of(const Separable& task) {
  return task.pointwise.out_channels / task.pointwise.kernels->block;
}

std::int64_t rows_at_once(const SeparableTask& task, std::int64_t in_width) {
  return kernels::rows_at_once(task.depthwise, in_width);
}
template <typename Other>
std::int64_t rows_at_once(const Other&, std::int64_t) {
  return 1;
}

constexpr std::size_t kWord = 4;

std::size_t scratch_bytes(const kernels::Stem& stem, std::int64_t in_width) {
  return kWord * kernels::scratch_floats(stem, in_width);
}
std::size_t scratch_bytes(const SeparableTask& task, std::int64_t in_width) {
  return kWord * kernels::scratch_floats(task.depthwise, in_width);
}
std::size_t scratch_bytes(const kernels::ByteStem& stem, std::int64_t in_width) {
  return kWord * kernels::scratch_words(stem, in_width);
}
std::size_t scratch_bytes(const ByteSeparableTask& task, std::int64_t in_width) {
  return kWord * kernels::scratch_words(task.depthwise, task.pointwise, in_width);
}

bool on_bytes(const ChainTask::Stage& stage) {
  return std::holds_alternative<kernels::ByteStem>(stage) ||
         std::holds_alternative<ByteSeparableTask>(stage);
}

/// B of all stages.
std::int64_t block_of(const ChainTask& chain) {
  return std::visit(
      [](const auto& stage) {
        if constexpr (requires { stage.kernels; }) {
          return stage.kernels->block;
        } else {
          return stage.depthwise.kernels->block;
        }
      },
      chain.stages.front());
}

ByteMap byte_ring(const ChainLayout::Stage& stage, std::int64_t block, std::byte* memory) {
  return {reinterpret_cast<std::uint8_t*>(memory + stage.ring), stage.height, stage.width, block,
          stage.ring_rows};
}

class ChainRun {
 public:
  ChainRun(const ChainTask& chain, const ChainLayout& layout,
           const std::vector<std::vector<float*>>& rings, const ChainEnds& ends, std::byte* memory)
      : chain_(chain),
        layout_(layout),
        rings_(rings),
        ends_(ends),
        memory_(memory),
        block_(block_of(chain)) {}

  void operator()() { run_until(chain_.stages.size() - 1, layout_.stages.back().height); }

 private:
  /// Runs stage i, and those before it as far as it needs them, until it has `end` rows.
  void run_until(std::size_t i, std::int64_t end) {
    const ChainLayout::Stage& stage = layout_.stages[i];
    while (done_[i] < end) {
      const RowRange rows = {done_[i], std::min(stage.height, done_[i] + stage.rows_at_once)};
      if (i > 0) {
        // Each row needs the ones above and below.
        run_until(i - 1, std::min(layout_.stages[i - 1].height, (rows.end - 1) * stage.stride + 2));
      }
      std::visit([&](const auto& layer) { run(i, layer, rows); }, chain_.stages[i]);
      done_[i] = rows.end;
    }
  }

  bool is_last(std::size_t i) const { return i + 1 == chain_.stages.size(); }

  void run(std::size_t i, const kernels::Stem& stem, const RowRange& rows) {
    on_planes(i, rows, [&](const kernels::BlockPointers& out, const RowRange& part) {
      kernels::run(stem, ends_.image, out, part, words<float>(i));
    });
  }
  void run(std::size_t i, const SeparableTask& task, const RowRange& rows) {
    const kernels::Map in = i == 0 ? ends_.floats_in : float_ring(i - 1);
    on_planes(i, rows, [&](const kernels::BlockPointers& out, const RowRange& part) {
      kernels::run(task.depthwise, task.pointwise, in, out, part, words<float>(i));
    });
  }
  void run(std::size_t i, const kernels::ByteStem& stem, const RowRange& rows) {
    on_bytes(i, [&](const ByteMap* bytes, const kernels::FloatTarget* floats) {
      stem.kernels->stem(stem, ends_.image, bytes, floats, rows, words<std::int32_t>(i));
    });
  }
  void run(std::size_t i, const ByteSeparableTask& task, const RowRange& rows) {
    const ByteMap in = i == 0 ? ends_.bytes_in : byte_ring(layout_.stages[i - 1], block_, memory_);
    on_bytes(i, [&](const ByteMap* bytes, const kernels::FloatTarget* floats) {
      task.depthwise.kernels->separable(task.depthwise, task.pointwise, in, bytes, floats, rows,
                                        words<std::int32_t>(i));
    });
  }

  /// Calls write(planes, rows) for the rows, in parts of which each lies in one piece.
  template <typename Write>
  void on_planes(std::size_t i, RowRange rows, Write&& write) const {
    const ChainLayout::Stage& stage = layout_.stages[i];
    const std::int64_t row = stage.width * block_;
    if (is_last(i)) return write(ends_.planes.behind(rows.begin * row), rows);
    while (rows.begin < rows.end) {
      const std::int64_t place = rows.begin % stage.ring_rows;
      const std::int64_t end = std::min(rows.end, rows.begin + stage.ring_rows - place);
      write(kernels::BlockPointers{rings_[i], place * row}, {rows.begin, end});
      rows.begin = end;
    }
  }
  /// Calls write(bytes, floats) with what the stage writes, and null for the other.
  template <typename Write>
  void on_bytes(std::size_t i, Write&& write) const {
    if (!is_last(i)) {
      const ByteMap ring = byte_ring(layout_.stages[i], block_, memory_);
      return write(&ring, nullptr);
    }
    write(ends_.bytes_out, ends_.bytes_out == nullptr ? &ends_.floats_out : nullptr);
  }

  kernels::Map float_ring(std::size_t i) const {
    const ChainLayout::Stage& stage = layout_.stages[i];
    return {rings_[i][0], stage.height, stage.width, stage.ring_rows * stage.width * block_,
            stage.ring_rows};
  }
  template <typename Word>
  Word* words(std::size_t i) const {
    return reinterpret_cast<Word*>(memory_ + layout_.stages[i].scratch);
  }

  const ChainTask& chain_;
  const ChainLayout& layout_;
  const std::vector<std::vector<float*>>& rings_;
  const ChainEnds& ends_;
  std::byte* memory_;
  std::int64_t block_;
  std::array<std::int64_t, kMaxChainStages> done_ = {};  // rows, by stage
};

}  // namespace

bool begins_with_stem(const ChainTask::Stage& stage) {
  return std::holds_alternative<kernels::Stem>(stage) ||
         std::holds_alternative<kernels::ByteStem>(stage);
}

ChainLayout chain_layout(const ChainTask& chain, std::int64_t height, std::int64_t width) {
  RF_CHECK(!chain.stages.empty() && chain.stages.size() <= kMaxChainStages);
  const std::int64_t block = block_of(chain);
  ChainLayout layout;
  const auto take = [&](std::size_t bytes) {
    const std::size_t begin = layout.bytes;
    layout.bytes += (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
    return begin;
  };
  for (const ChainTask::Stage& layer : chain.stages) {
    ChainLayout::Stage stage;
    std::visit(
        [&](const auto& of) {
          stage.stride = stride_of(of);
          stage.blocks = blocks_of(of);
          stage.rows_at_once = rows_at_once(of, width);
          stage.scratch = take(scratch_bytes(of, width));
        },
        layer);
    stage.height = height = (height - 1) / stage.stride + 1;
    stage.width = width = (width - 1) / stage.stride + 1;
    layout.stages.push_back(stage);
  }
  for (std::size_t i = 0; i + 1 < layout.stages.size(); ++i) {
    ChainLayout::Stage& stage = layout.stages[i];
    const ChainLayout::Stage& next = layout.stages[i + 1];
    // From the row above the next stage's first to the last that this stage may be ahead of it.
    stage.ring_rows =
        std::min(stage.height, (next.rows_at_once - 1) * next.stride + 2 + stage.rows_at_once);
    const ByteMap bytes = byte_ring(stage, block, nullptr);
    stage.ring = take(
        on_bytes(chain.stages[i])
            ? static_cast<std::size_t>(stage.blocks * bytes.block_bytes() + kernels::kByteMapSlack)
            : kWord *
                  static_cast<std::size_t>(stage.blocks * block * stage.ring_rows * stage.width));
  }
  return layout;
}

std::vector<std::vector<float*>> ring_planes(const ChainTask& chain, const ChainLayout& layout,
                                             std::byte* memory) {
  std::vector<std::vector<float*>> planes(layout.stages.size());
  if (on_bytes(chain.stages.front())) return planes;
  for (std::size_t i = 0; i + 1 < layout.stages.size(); ++i) {
    const ChainLayout::Stage& stage = layout.stages[i];
    const std::int64_t plane = stage.ring_rows * stage.width * block_of(chain);
    for (std::int64_t b = 0; b < stage.blocks; ++b) {
      planes[i].push_back(reinterpret_cast<float*>(memory + stage.ring) + b * plane);
    }
  }
  return planes;
}

void run_chain(const ChainTask& chain, const ChainLayout& layout,
               const std::vector<std::vector<float*>>& rings, const ChainEnds& ends,
               std::byte* memory) {
  ChainRun(chain, layout, rings, ends, memory)();
}

}  // namespace retinaface::runtime::cpu
