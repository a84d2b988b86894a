#include "runtime/cpu/session.h"

#include <algorithm>
#include <cstring>
#include <variant>

#include <hwy/cache_control.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/overloaded.h"
#include "base/thread_time.h"
#include "runtime/cpu/library.h"
#include "runtime/cpu/one_core.h"
#include "runtime/cpu/plain_calls.h"
#include "runtime/kernels/bytes.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::cpu {
namespace {

void resize(AlignedBuffer<std::byte>& buffer, std::size_t bytes) {
  if (buffer.size() != bytes) buffer = AlignedBuffer<std::byte>(bytes);
}

kernels::Map map_at(const MapPlace& map, std::byte* arena, std::int64_t block) {
  RF_CHECK(map.type == graph::DataType::kFloat32);
  return {floats_at(map.place, arena), map.height, map.width, map.rows() * map.width * block,
          map.ring_rows};
}

bool is_far(const std::vector<MapPlace>& maps, std::int64_t block) {
  std::int64_t floats = 0;
  for (const MapPlace& map : maps) floats += map.blocks * block * map.rows() * map.width;
  return floats > kCachedFloats;
}

/// Runs a kernel of our own, for those that strips have only on some rows.
class KernelRun {
 public:
  KernelRun(const KernelCall& call, const std::vector<float*>& planes,
            const std::vector<std::vector<float*>>& rings, const PixelSource* pixels,
            std::byte* arena, std::int64_t block, const kernels::RowRange& rows)
      : call_(call),
        rows_(rows),
        out_{planes, 0, is_far(call.targets, block)},
        rings_(rings),
        pixels_(pixels),
        arena_(arena),
        block_(block) {}

  bool streams() const { return out_.streams; }

  void operator()(const LibraryTask&) const { RF_CHECK(false); }
  void operator()(const ChainTask& chain) const {
    ChainEnds ends;
    const MapPlace& source = call_.sources[0];
    if (begins_with_stem(chain.stages.front())) {
      const bool planes = source.place.piece != kNoPiece;
      ends.image = {source.height, source.width, planes ? in().data : nullptr, pixels_};
      RF_CHECK(planes || pixels_ != nullptr);
    } else if (source.type == graph::DataType::kUInt8) {
      ends.bytes_in = bytes_at(source);
    } else {
      ends.floats_in = in();
    }
    ends.planes = out_;
    on_bytes([&](const kernels::ByteMap* bytes, const kernels::FloatTarget* floats) {
      ends.bytes_out = bytes;
      if (floats != nullptr) ends.floats_out = *floats;
      run_chain(chain, call_.chain, rings_, ends, arena_ + call_.scratch.offset);
    });
  }
  void operator()(const kernels::Pointwise& layer) const {
    const kernels::Map map = in();
    for_parts(call_.sources[0].ring_rows, [&](const kernels::RowRange& part) {
      const kernels::Map rows = {map.data + map.place_of(part.begin) * map.width * block_,
                                 part.end - part.begin, map.width, map.block_stride};
      kernels::run(layer, rows, out_at(part), addend());
    });
  }
  void operator()(const kernels::Dense& layer) const {
    kernels::run(layer, in(), out_, scratch(), addend());
  }
  void operator()(const kernels::Winograd& layer) const {
    for_parts(0, [&](const kernels::RowRange& part) {
      kernels::run(layer, in(), out_at(part), part, scratch(), addend());
    });
  }
  void operator()(const kernels::Deformable& layer) const {
    kernels::run(layer, in(), map_at(call_.sources[1], arena_, block_), out_, scratch());
  }
  void operator()(const AddUpsampled&) const {
    kernels::add_upsampled(*own_kernels(), map_at(call_.sources[1], arena_, block_), in(),
                           call_.targets[0].blocks, rows_);
  }

  void operator()(const kernels::ByteConvolution& layer) const {
    if (layer.joins_two()) {
      const kernels::ByteMap both[] = {bytes_at(call_.targets[0]), bytes_at(call_.targets[1])};
      layer.kernels->convolution(layer, bytes_at(call_.sources[0]), both, nullptr, words());
      return;
    }
    on_bytes([&](const kernels::ByteMap* bytes, const kernels::FloatTarget* floats) {
      layer.kernels->convolution(layer, bytes_at(call_.sources[0]), bytes, floats, words());
    });
  }
  void operator()(const kernels::ByteAddition& layer) const {
    layer.kernels->add_upsampled(layer, bytes_at(call_.sources[0]), bytes_at(call_.sources[1]),
                                 bytes_at(call_.targets[0]));
  }
  void operator()(const kernels::ByteConversion& layer) const {
    if (call_.targets[0].type == graph::DataType::kUInt8) {
      layer.kernels->to_bytes(layer, in().data, bytes_at(call_.targets[0]));
    } else {
      layer.kernels->to_floats(layer, bytes_at(call_.sources[0]),
                               map_at(call_.targets[0], arena_, block_).data);
    }
  }

 private:
  /// Calls run(part) for the rows in parts of which each lies in one piece of the rings of the
  /// source, where it has so many rows, and of the targets.
  template <typename Run>
  void for_parts(std::int64_t source_rows, Run&& run) const {
    for (kernels::RowRange part = rows_; part.begin < rows_.end; part.begin = part.end) {
      part.end = rows_.end;
      for (const std::int64_t ring : {source_rows, call_.targets[0].ring_rows}) {
        if (ring > 0) part.end = std::min(part.end, part.begin + ring - part.begin % ring);
      }
      run(part);
    }
  }
  /// The targets from the part's first row on.
  kernels::BlockPointers out_at(const kernels::RowRange& part) const {
    const MapPlace& target = call_.targets[0];
    const std::int64_t place = target.ring_rows == 0 ? part.begin : part.begin % target.ring_rows;
    return out_.behind(place * target.width * block_);
  }
  kernels::ByteMap bytes_at(const MapPlace& map) const {
    RF_CHECK(map.type == graph::DataType::kUInt8);
    return {reinterpret_cast<std::uint8_t*>(arena_ + map.place.offset), map.height, map.width,
            map.cell_bytes};
  }
  std::int32_t* words() const {
    return reinterpret_cast<std::int32_t*>(arena_ + call_.scratch.offset);
  }
  /// Calls run(bytes, floats) with the target as what it is, and null for the other.
  template <typename Run>
  void on_bytes(Run&& run) const {
    const MapPlace& target = call_.targets[0];
    if (target.type == graph::DataType::kUInt8) {
      const kernels::ByteMap bytes = bytes_at(target);
      return run(&bytes, nullptr);
    }
    const kernels::Map map = map_at(target, arena_, block_);
    const kernels::FloatTarget floats = {map.data, map.block_stride};
    run(nullptr, &floats);
  }

  kernels::Map in() const { return map_at(call_.sources[0], arena_, block_); }
  kernels::Addend addend() const {
    if (call_.sources.size() == 1) return {};
    const kernels::Map map = map_at(call_.sources[1], arena_, block_);
    return {map.data, map.block_stride};
  }
  float* scratch() const { return floats_at(call_.scratch, arena_); }

  const KernelCall& call_;
  kernels::RowRange rows_;
  kernels::BlockPointers out_;
  const std::vector<std::vector<float*>>& rings_;
  const PixelSource* pixels_;
  std::byte* arena_;
  std::int64_t block_;
};

}  // namespace

CpuSession::CpuSession(const PlanCache& plans)
    : plans_(plans), stream_(library_engine()), block_(channel_block()) {}

InputMap CpuSession::input(std::int64_t images, std::int64_t height, std::int64_t width) {
  RF_CHECK(images > 0 && height > 0 && width > 0);
  take_plan(height, width, false);
  images_ = images;
  InputMap map = {.data = arena_.data() + plan_->input_offset,
                  .type = plan_->input_type,
                  .shape = {images, plan_->input_channels, height, width}};
  if (images > 1) {
    resize(batch_input_, static_cast<std::size_t>(images) * input_bytes());
    map.data = batch_input_.data();
  }
  return map;
}

void CpuSession::take_plan(std::int64_t height, std::int64_t width, bool reads_pixels) {
  if (plan_ != nullptr && plan_->height == height && plan_->width == width &&
      plan_->reads_pixels == reads_pixels) {
    return;
  }
  plan_ = nullptr;  // until memory and bindings are the new one's: either may fail
  std::shared_ptr<const Plan> plan = plans_.plan(height, width, reads_pixels);
  fit_arena(plan->arena_bytes);
  bind(*plan);
  plan_ = std::move(plan);
}

bool CpuSession::run_on_pixels(const PixelSource& image, std::int64_t height, std::int64_t width) {
  if (!plans_.reads_pixels(image.mean)) return false;
  RF_CHECK(!image.image.empty() && image.image.height <= height && image.image.width <= width);
  take_plan(height, width, true);
  images_ = 1;
  const OneCore one_core;
  pixels_ = &image;
  run_image();
  pixels_ = nullptr;
  return true;
}

void CpuSession::run() {
  RF_CHECK(plan_ != nullptr && !plan_->reads_pixels);
  const OneCore one_core;
  if (images_ == 1) return run_image();
  batch_outputs_.resize(plan_->outputs.size());
  for (std::int64_t n = 0; n < images_; ++n) {
    const auto image = static_cast<std::size_t>(n);
    std::memcpy(arena_.data() + plan_->input_offset, batch_input_.data() + image * input_bytes(),
                input_bytes());
    run_image();
    for (std::size_t i = 0; i < batch_outputs_.size(); ++i) {
      const std::span<const std::byte> blocks = output_blocks(i);
      if (n == 0) {
        resize(batch_outputs_[i], static_cast<std::size_t>(images_) * blocks.size());
      }
      std::ranges::copy(blocks, batch_outputs_[i].data() + image * blocks.size());
    }
  }
}

std::vector<double> CpuSession::profile(const PixelSource* image) {
  RF_CHECK(images_ == 1 && plan_->reads_pixels == (image != nullptr));
  pixels_ = image;
  const OneCore one_core;
  std::vector<double> ms;
  for (std::size_t i = 0; i < plan_->calls.size(); ++i) {
    const double start = thread_cpu_ms();
    execute(i);
    stream_.wait();
    ms.push_back(thread_cpu_ms() - start);
  }
  pixels_ = nullptr;
  return ms;
}

FeatureMap CpuSession::output(std::size_t index) const {
  const OutputPlace& place = plan_->outputs[index];
  FeatureMap map = {.data = arena_.data() + place.arena_offset,
                    .type = place.type,
                    .images = images_,
                    .first_channel = place.first_channel,
                    .channels = place.channels,
                    .height = place.height,
                    .width = place.width,
                    .block = block_};
  if (images_ > 1) {
    map.data = batch_outputs_[index].data();
    map.image_stride =
        static_cast<std::int64_t>(output_blocks(index).size() / graph::element_bytes(place.type));
    map.first_channel = place.first_channel % block_;
  }
  return map;
}

std::size_t CpuSession::input_bytes() const {
  return static_cast<std::size_t>(plan_->input_channels * plan_->height * plan_->width) *
         graph::element_bytes(plan_->input_type);
}

std::span<const std::byte> CpuSession::output_blocks(std::size_t index) const {
  const OutputPlace& place = plan_->outputs[index];
  const std::int64_t first = place.first_channel / block_;
  const std::int64_t end = (place.first_channel + place.channels + block_ - 1) / block_;
  const std::size_t bytes = static_cast<std::size_t>(place.height * place.width * block_) *
                            graph::element_bytes(place.type);
  return {arena_.data() + place.arena_offset + static_cast<std::size_t>(first) * bytes,
          static_cast<std::size_t>(end - first) * bytes};
}

void CpuSession::run_image() {
  for (std::size_t i = 0; i < plan_->calls.size(); ++i) execute(i);
  stream_.wait();
}

/// Grows the arena when a plan needs more, and gives back a big one when it needs far less.
void CpuSession::fit_arena(std::size_t bytes) {
  constexpr std::size_t kBig = std::size_t{64} << 20;
  const bool wasteful = arena_.size() > kBig && arena_.size() / 4 > bytes;
  if (arena_.size() >= bytes && !wasteful) return;
  arena_ = {};
  arena_ = AlignedBuffer<std::byte>(bytes);
  prefault(arena_.data(), arena_.size());
}

void CpuSession::bind(const Plan& plan) {
  bound_.assign(plan.calls.size(), {});
  for (std::size_t i = 0; i < plan.calls.size(); ++i) {
    Bound& bound = bound_[i];
    if (const auto* call = std::get_if<PrimitiveCall>(&plan.calls[i].action)) {
      for (const Argument& argument : call->arguments) {
        bound.arguments.emplace(
            argument.name, argument.weights ? *argument.weights
                                            : dnnl::memory(argument.desc, library_engine(),
                                                           arena_.data() + argument.place.offset));
      }
    } else if (const auto* kernel = std::get_if<KernelCall>(&plan.calls[i].action)) {
      bound = bound_kernel(*kernel);
    } else if (const auto* strips = std::get_if<StripsCall>(&plan.calls[i].action)) {
      for (const KernelCall& layer : strips->layers) bound.layers.push_back(bound_kernel(layer));
    }
  }
}

CpuSession::Bound CpuSession::bound_kernel(const KernelCall& call) {
  Bound bound;
  for (const MapPlace& target : call.targets) {
    if (target.type != graph::DataType::kFloat32) continue;
    const kernels::Map map = map_at(target, arena_.data(), block_);
    for (std::int64_t b = 0; b < target.blocks; ++b) {
      bound.planes.push_back(map.data + b * map.block_stride);
    }
  }
  if (const auto* chain = std::get_if<ChainTask>(&call.task->action)) {
    bound.rings = ring_planes(*chain, call.chain, arena_.data() + call.scratch.offset);
  }
  return bound;
}

void CpuSession::run_kernel(const KernelCall& call, const Bound& bound,
                            const kernels::RowRange& rows) {
  const KernelRun run(call, bound.planes, bound.rings, pixels_, arena_.data(), block_, rows);
  std::visit(run, call.task->action);
  if (run.streams()) hwy::FlushStream();  // for threads that read it
}

void CpuSession::execute(std::size_t i) {
  std::byte* const arena = arena_.data();
  std::visit(
      Overloaded{
          [&](const PrimitiveCall& call) { call.primitive.execute(stream_, bound_[i].arguments); },
          [&](const KernelCall& call) {
            run_kernel(call, bound_[i], {0, call.targets[0].height});
          },
          [&](const StripsCall& call) {
            for (const StripTurn& turn : call.turns) {
              run_kernel(call.layers[turn.layer], bound_[i].layers[turn.layer], turn.rows);
            }
          },
          [&](const PlainCall auto& call) { run_plain(call, arena, block_); }},
      plan_->calls[i].action);
}

}  // namespace retinaface::runtime::cpu
