#include "runtime/cpu/plan.h"

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
  Planner(const LoweredGraph& program, const std::vector<Task>& schedule, WeightStore& weights,
          std::int64_t height, std::int64_t width)
      : program_(program), schedule_(schedule), weights_(weights), maps_(program, height, width) {
    plan_.height = height;
    plan_.width = width;
  }

  Plan run() {
    for (const ValueId output : program_.outputs) maps_.keep(output, schedule_.size());
    maps_.place_of(0);
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
    add_library_calls(program_.steps[library.step], maps_, weights_, plan_.calls);
  }

  // Kernels of our own.

  template <typename Action>
  void add_task(const Task& task, const Action& action) {
    KernelCall kernel{&task, {}, {}, {}};
    for (const ValueId source : task.sources) kernel.sources.push_back(maps_.map_of(source));
    for (const ValueId target : task.targets) kernel.targets.push_back(maps_.map_of(target));
    kernel.scratch = maps_.scratch(scratch_floats(action, kernel.sources[0].width) *
                                   graph::element_bytes(graph::DataType::kFloat32));
    plan_.calls.push_back({task.name, kernel_name(action), std::move(kernel)});
  }

  static std::size_t scratch_floats(const kernels::Stem& stem, std::int64_t width) {
    return kernels::scratch_floats(stem, width);
  }
  static std::size_t scratch_floats(const SeparableTask& task, std::int64_t width) {
    return kernels::scratch_floats(task.depthwise, width);
  }
  static std::size_t scratch_floats(const kernels::Winograd& layer, std::int64_t) {
    return kernels::scratch_floats(layer);
  }
  static std::size_t scratch_floats(const kernels::Deformable& layer, std::int64_t) {
    return kernels::scratch_floats(layer);
  }
  static std::size_t scratch_floats(const kernels::Pointwise&, std::int64_t) { return 0; }
  static std::size_t scratch_floats(const AddUpsampled&, std::int64_t) { return 0; }

  // Bytes' scratch memory is words of 32 bits, as large as floats.
  static std::size_t scratch_floats(const kernels::ByteConvolution& layer, std::int64_t) {
    return kernels::scratch_words(layer);
  }
  static std::size_t scratch_floats(const ByteSeparableTask& task, std::int64_t width) {
    return kernels::scratch_words(task.depthwise, task.pointwise, width);
  }
  static std::size_t scratch_floats(const kernels::ByteAddition&, std::int64_t) { return 0; }
  static std::size_t scratch_floats(const kernels::ByteConversion&, std::int64_t) { return 0; }

  static const char* kernel_name(const kernels::ByteConvolution&) { return "own:int8"; }
  static const char* kernel_name(const ByteSeparableTask&) { return "own:int8 separable"; }
  static const char* kernel_name(const kernels::ByteAddition&) { return "own:int8 add_upsampled"; }
  static const char* kernel_name(const kernels::ByteConversion&) { return "own:int8 conversion"; }
  static const char* kernel_name(const kernels::Stem&) { return "own:stem"; }
  static const char* kernel_name(const SeparableTask&) { return "own:separable"; }
  static const char* kernel_name(const kernels::Winograd&) { return "own:winograd"; }
  static const char* kernel_name(const kernels::Deformable&) { return "own:deformable"; }
  static const char* kernel_name(const kernels::Pointwise&) { return "own:pointwise"; }
  static const char* kernel_name(const AddUpsampled&) { return "own:add_upsampled"; }

  /// Gives each piece its place in the arena.
  void place() {
    const ArenaPlan arena = maps_.plan();
    const auto settle = [&](Place& place) { place.offset += arena.offsets[place.piece]; };
    for (Call& call : plan_.calls) {
      if (auto* primitive = std::get_if<PrimitiveCall>(&call.action)) {
        for (Argument& argument : primitive->arguments) {
          if (!argument.weights) settle(argument.place);
        }
      } else if (auto* kernel = std::get_if<KernelCall>(&call.action)) {
        for (MapPlace& source : kernel->sources) settle(source.place);
        for (MapPlace& target : kernel->targets) settle(target.place);
        settle(kernel->scratch);
      } else if (auto* softmax = std::get_if<SoftmaxCall>(&call.action)) {
        settle(softmax->source.place);
        settle(softmax->target.place);
      } else if (auto* pad = std::get_if<PadCall>(&call.action)) {
        settle(pad->source.place);
        settle(pad->target.place);
      } else if (auto* sample = std::get_if<GridSampleCall>(&call.action)) {
        settle(sample->source.place);
        settle(sample->grid.place);
        settle(sample->target.place);
      } else {
        auto& upsample = std::get<UpsampleCall>(call.action);
        settle(upsample.source.place);
        settle(upsample.target.place);
      }
    }
    plan_.arena_bytes = arena.bytes;
    plan_.input_offset = arena.offsets[maps_.piece_of(0)];
    plan_.input_type = maps_.type(0);
    plan_.input_channels = maps_.shape(0).c;
    for (const ValueId output : program_.outputs) {
      const graph::Shape map = maps_.shape(output);
      plan_.outputs.push_back({arena.offsets[maps_.piece_of(output)], maps_.type(output),
                               maps_.first_channel_in_root(output), map.c, map.h, map.w});
    }
  }

  const LoweredGraph& program_;
  const std::vector<Task>& schedule_;
  WeightStore& weights_;
  MapPlacement maps_;
  Plan plan_;
};

}  // namespace

std::shared_ptr<const Plan> make_plan(const LoweredGraph& program,
                                      const std::vector<Task>& schedule, WeightStore& weights,
                                      std::int64_t height, std::int64_t width) {
  const OneCore one_core;
  return std::make_shared<const Plan>(Planner(program, schedule, weights, height, width).run());
}

}  // namespace retinaface::runtime::cpu
