#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <variant>
#include <vector>

#include "graph/graph.h"
#include "runtime/cpu/schedule.h"
#include "runtime/cpu/strips.h"
#include "runtime/cpu/weight_store.h"
#include "runtime/lowering.h"

namespace retinaface::runtime::cpu {

/// Maps of more are so large that no cache holds them until they are read.
inline constexpr std::int64_t kCachedFloats = 4 * 1024 * 1024;

inline constexpr std::size_t kNoPiece = static_cast<std::size_t>(-1);

/// A place in the arena: within its piece until the arena is planned, then within the arena.
struct Place {
  std::size_t piece = 0;  ///< of the arena's plan; kNoPiece for an image of pixels
  std::size_t offset = 0;
};

/// What a primitive reads or writes: a place in the arena, or weights.
struct Argument {
  int name = 0;  ///< DNNL_ARG_...
  dnnl::memory::desc desc;
  Place place;
  std::shared_ptr<const dnnl::memory> weights;  ///< instead of the arena, if set
};

struct PrimitiveCall {
  dnnl::primitive primitive;
  std::vector<Argument> arguments;

  void for_each_place(const std::invocable<Place&> auto& visit) {
    for (Argument& argument : arguments) {
      if (!argument.weights) visit(argument.place);
    }
  }
};

inline float* floats_at(const Place& place, std::byte* arena) {
  return reinterpret_cast<float*>(arena + place.offset);
}

/// A map of whole channel blocks in the arena.
struct MapPlace {
  Place place;
  graph::DataType type = graph::DataType::kFloat32;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t blocks = 0;
  std::int64_t cell_bytes = 0;  ///< of a map of bytes
  std::int64_t ring_rows = 0;   ///< as kernels::Map

  std::int64_t rows() const { return ring_rows == 0 ? height : ring_rows; }
};

/// A kernel of our own; `task` belongs to the network.
struct KernelCall {
  const Task* task = nullptr;
  std::vector<MapPlace> sources;
  std::vector<MapPlace> targets;
  Place scratch;
  ChainLayout chain;  ///< of a ChainTask

  void for_each_place(const std::invocable<Place&> auto& visit) {
    for (MapPlace& source : sources) visit(source.place);
    for (MapPlace& target : targets) visit(target.place);
    visit(scratch);
  }
};

/// Kernels of our own in strips (strips.h).
struct StripsCall {
  std::vector<KernelCall> layers;
  std::vector<StripTurn> turns;

  void for_each_place(const std::invocable<Place&> auto& visit) {
    for (KernelCall& layer : layers) layer.for_each_place(visit);
  }
};

/// Nearest-neighbour resize, where there is no kernel of our own that adds as well.
struct UpsampleCall {
  MapPlace source;
  MapPlace target;

  void for_each_place(const std::invocable<Place&> auto& visit) {
    visit(source.place);
    visit(target.place);
  }
};

/// graph::Softmax over runs of channels, which oneDNN has of all channels alone.
struct SoftmaxCall {
  MapPlace source;
  MapPlace target;
  std::int64_t channels = 0;  ///< of the map
  std::int64_t run = 0;       ///< of them

  void for_each_place(const std::invocable<Place&> auto& visit) {
    visit(source.place);
    visit(target.place);
  }
};

/// graph::Pad of a map of so many channels.
struct PadCall {
  MapPlace source;
  MapPlace target;
  graph::Pad pad;
  std::int64_t channels = 0;

  void for_each_place(const std::invocable<Place&> auto& visit) {
    visit(source.place);
    visit(target.place);
  }
};

/// graph::GridSample.
struct GridSampleCall {
  MapPlace source;
  MapPlace grid;
  MapPlace target;
  graph::GridSample op;

  void for_each_place(const std::invocable<Place&> auto& visit) {
    visit(source.place);
    visit(grid.place);
    visit(target.place);
  }
};

/// A call that plain_calls.h has a function for.
template <typename T>
concept PlainCall =
    !std::same_as<T, PrimitiveCall> && !std::same_as<T, KernelCall> && !std::same_as<T, StripsCall>;

struct Call {
  std::string name;
  std::string implementation;
  std::variant<PrimitiveCall, KernelCall, StripsCall, UpsampleCall, SoftmaxCall, PadCall,
               GridSampleCall>
      action;
};

/// Where an output lies when all calls are done.
struct OutputPlace {
  std::size_t arena_offset = 0;  ///< of the whole map that the output is a part of
  graph::DataType type = graph::DataType::kFloat32;
  std::int64_t first_channel = 0;
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// How a lowered graph runs on images of one size. Immutable; the arena is the session's.
struct Plan {
  std::int64_t height = 0;
  std::int64_t width = 0;
  bool reads_pixels = false;  ///< the image is none of the arena's maps
  std::size_t arena_bytes = 0;
  std::size_t input_offset = 0;
  graph::DataType input_type = graph::DataType::kFloat32;
  std::int64_t input_channels = 0;
  std::vector<Call> calls;
  std::vector<OutputPlace> outputs;
};

/// Throws Error(kUnsupported) when oneDNN has no way to run a step at this size. `reads_pixels`: of
/// an image as it lies, which cpu::reads_pixels must allow.
/// `lowered` and `schedule` outlive the plan.
/// Layers on maps of more than `cached_floats` run in strips.
std::shared_ptr<const Plan> make_plan(const LoweredGraph& lowered,
                                      const std::vector<Task>& schedule, WeightStore& weights,
                                      std::int64_t height, std::int64_t width, bool reads_pixels,
                                      std::int64_t cached_floats = kCachedFloats);

}  // namespace retinaface::runtime::cpu
