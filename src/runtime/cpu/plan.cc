#include "runtime/cpu/plan.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "runtime/cpu/find_strips.h"
#include "runtime/cpu/library_steps.h"
#include "runtime/cpu/map_placement.h"
#include "runtime/cpu/one_core.h"

namespace retinaface::runtime::cpu {
namespace {

/// Builds one plan; see make_plan.
class Planner {
 public:
  Planner(const LoweredGraph& lowered, const std::vector<Task>& schedule, WeightStore& weights,
          std::int64_t height, std::int64_t width, bool reads_pixels, std::int64_t cached_floats)
      : lowered_(lowered),
        schedule_(schedule),
        weights_(weights),
        maps_(lowered, height, width),
        strips_(find_strips(lowered, schedule, maps_, cached_floats)) {
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
      if (const Strips* const strips = strips_with(i)) {
        if (i == strips->tasks.back()) add_strips(*strips);
        continue;
      }
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

  // In strips.

  const Strips* strips_with(std::size_t task) const {
    for (const Strips& strips : strips_) {
      if (std::ranges::binary_search(strips.tasks, task)) return &strips;
    }
    return nullptr;
  }

  void add_strips(const Strips& strips) {
    StripsCall call;
    call.turns = take_turns(strips.layers, strips.height);
    const std::vector<std::int64_t> rows =
        ring_rows(strips.layers, call.turns, strips.maps.size(), strips.height);
    std::vector<Place> rings(strips.maps.size());
    for (std::size_t map = 0; map < rings.size(); ++map) {
      if (!strips.are_between[map]) continue;
      const graph::Shape shape = maps_.shape(strips.maps[map]);
      rings[map] = maps_.scratch(
          graph::element_bytes(graph::DataType::kFloat32) *
          static_cast<std::size_t>(MapPlacement::whole_channels(shape.c) * rows[map] * shape.w));
    }
    const auto map_of = [&](ValueId id) {
      const auto map = static_cast<std::size_t>(
          std::ranges::find(strips.maps, root_of(lowered_, id)) - strips.maps.begin());
      const bool is_ring = map < rings.size() && strips.are_between[map];
      return is_ring ? maps_.ring_of(id, rings[map], rows[map]) : maps_.map_of(id);
    };
    std::size_t scratch_bytes = 0;
    for (const std::size_t i : strips.tasks) {
      const Task& task = schedule_[i];
      KernelCall& layer = call.layers.emplace_back();
      layer.task = &task;
      for (const ValueId source : task.sources) layer.sources.push_back(map_of(source));
      for (const ValueId target : task.targets) layer.targets.push_back(map_of(target));
      if (const auto* const winograd = std::get_if<kernels::Winograd>(&task.action)) {
        scratch_bytes =
            std::max(scratch_bytes, kernels::scratch_floats(*winograd) *
                                        graph::element_bytes(graph::DataType::kFloat32));
      }
    }
    const Place scratch = maps_.scratch(scratch_bytes);
    for (KernelCall& layer : call.layers) layer.scratch = scratch;
    plan_.calls.push_back({schedule_[strips.tasks.back()].name,
                           fmt::format("own:strips of {} layers", call.layers.size()),
                           std::move(call)});
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
  std::vector<Strips> strips_;
  Plan plan_;
};

}  // namespace

std::shared_ptr<const Plan> make_plan(const LoweredGraph& lowered,
                                      const std::vector<Task>& schedule, WeightStore& weights,
                                      std::int64_t height, std::int64_t width, bool reads_pixels,
                                      std::int64_t cached_floats) {
  const OneCore one_core;
  return std::make_shared<const Plan>(
      Planner(lowered, schedule, weights, height, width, reads_pixels, cached_floats).run());
}

}  // namespace retinaface::runtime::cpu
