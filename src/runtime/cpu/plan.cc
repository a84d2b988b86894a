#include "runtime/cpu/plan.h"

#include <string>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "runtime/cpu/library_steps.h"
#include "runtime/cpu/map_placement.h"
#include "runtime/cpu/one_core.h"

namespace retinaface::runtime::cpu {
namespace {

/// Builds one plan; see make_plan.
class Planner {
 public:
  Planner(const LoweredGraph& lowered, const std::vector<Task>& schedule, WeightStore& weights,
          std::int64_t height, std::int64_t width, bool reads_pixels)
      : lowered_(lowered), schedule_(schedule), weights_(weights), maps_(lowered, height, width) {
    plan_.height = height;
    plan_.width = width;
    plan_.reads_pixels = reads_pixels;
  }

  Plan run() {
    for (const ValueId output : lowered_.outputs) maps_.keep(output, schedule_.size());
    if (!plan_.reads_pixels) maps_.place_of(0);
    for (std::size_t i = 0; i < schedule_.size(); ++i) {
      const Task& task = schedule_[i];
      maps_.begin_call(i);
      try {
        std::visit([&](const auto& action) { add_task(task, action); }, task.action);
      } catch (const dnnl::error& error) {
        fail(ErrorCode::kUnsupported, "an image of {}x{} pixels: layer {}: {}", plan_.width,
             plan_.height, task.name, error.what());
      }
    }
    place();
    return std::move(plan_);
  }

 private:
  void add_task(const Task&, const LibraryTask& library) {
    add_library_calls(lowered_.steps[library.step], maps_, weights_, plan_.calls);
  }

  // Kernels of our own.

  template <typename Action>
  void add_task(const Task& task, const Action& action) {
    KernelCall kernel{&task, {}, {}, {}, {}};
    for (const ValueId source : task.sources) kernel.sources.push_back(source_map(source));
    for (const ValueId target : task.targets) kernel.targets.push_back(maps_.map_of(target));
    if constexpr (std::is_same_v<Action, ChainTask>) {
      kernel.chain = chain_layout(action, kernel.sources[0].height, kernel.sources[0].width);
      kernel.scratch = maps_.scratch(kernel.chain.bytes);
    } else {
      kernel.scratch =
          maps_.scratch(scratch_floats(action) * graph::element_bytes(graph::DataType::kFloat32));
    }
    plan_.calls.push_back({task.name, kernel_name(action), std::move(kernel)});
  }

  MapPlace source_map(ValueId source) {
    if (source != 0 || !plan_.reads_pixels) return maps_.map_of(source);
    return {{kNoPiece, 0}, maps_.type(0), plan_.height, plan_.width, 0, 0};
  }

  static std::size_t scratch_floats(const kernels::Dense& layer) {
    return kernels::scratch_floats(layer);
  }
  static std::size_t scratch_floats(const kernels::Winograd& layer) {
    return kernels::scratch_floats(layer);
  }
  static std::size_t scratch_floats(const kernels::Deformable& layer) {
    return kernels::scratch_floats(layer);
  }
  static std::size_t scratch_floats(const kernels::Pointwise&) { return 0; }
  static std::size_t scratch_floats(const AddUpsampled&) { return 0; }

  // Bytes' scratch memory is words of 32 bits, as large as floats.
  static std::size_t scratch_floats(const kernels::ByteConvolution& layer) {
    return kernels::scratch_words(layer);
  }
  static std::size_t scratch_floats(const kernels::ByteAddition&) { return 0; }
  static std::size_t scratch_floats(const kernels::ByteConversion&) { return 0; }

  static const char* kernel_name(const kernels::ByteConvolution&) { return "own:int8"; }
  static const char* kernel_name(const kernels::ByteAddition&) { return "own:int8 add_upsampled"; }
  static const char* kernel_name(const kernels::ByteConversion&) { return "own:int8 conversion"; }
  /// The stages' names: "own:stem + 4 separable".
  static std::string kernel_name(const ChainTask& chain) {
    const bool stem = begins_with_stem(chain.stages.front());
    const std::size_t others = chain.stages.size() - (stem ? 1 : 0);
    const bool bytes = std::holds_alternative<kernels::ByteStem>(chain.stages.front()) ||
                       std::holds_alternative<ByteSeparableTask>(chain.stages.front());
    std::string name = bytes ? "own:int8 " : "own:";
    if (stem) name += others > 0 ? "stem + " : "stem";
    if (others > 1) name += std::to_string(others) + " ";
    if (others > 0) name += "separable";
    return name;
  }
  static const char* kernel_name(const kernels::Dense&) { return "own:dense"; }
  static const char* kernel_name(const kernels::Winograd& layer) {
    return layer.words.weights.empty() ? "own:winograd" : "own:int16 winograd";
  }
  static const char* kernel_name(const kernels::Deformable&) { return "own:deformable"; }
  static const char* kernel_name(const kernels::Pointwise&) { return "own:pointwise"; }
  static const char* kernel_name(const AddUpsampled&) { return "own:add_upsampled"; }

  /// Gives each piece its place in the arena.
  void place() {
    const ArenaPlan arena = maps_.plan();
    const auto settle = [&](Place& place) {
      if (place.piece != kNoPiece) place.offset += arena.offsets[place.piece];
    };
    for (Call& call : plan_.calls) {
      std::visit([&](auto& action) { action.for_each_place(settle); }, call.action);
    }
    plan_.arena_bytes = arena.bytes;
    if (!plan_.reads_pixels) plan_.input_offset = arena.offsets[maps_.piece_of(0)];
    plan_.input_type = maps_.type(0);
    plan_.input_channels = maps_.shape(0).c;
    for (const ValueId output : lowered_.outputs) {
      const graph::Shape map = maps_.shape(output);
      plan_.outputs.push_back({arena.offsets[maps_.piece_of(output)], maps_.type(output),
                               maps_.first_channel_in_root(output), map.c, map.h, map.w});
    }
  }

  const LoweredGraph& lowered_;
  const std::vector<Task>& schedule_;
  WeightStore& weights_;
  MapPlacement maps_;
  Plan plan_;
};

}  // namespace

std::shared_ptr<const Plan> make_plan(const LoweredGraph& lowered,
                                      const std::vector<Task>& schedule, WeightStore& weights,
                                      std::int64_t height, std::int64_t width, bool reads_pixels) {
  const OneCore one_core;
  return std::make_shared<const Plan>(
      Planner(lowered, schedule, weights, height, width, reads_pixels).run());
}

}  // namespace retinaface::runtime::cpu
