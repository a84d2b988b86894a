#include "runtime/onednn/plan.h"

#include <algorithm>
#include <array>
#include <optional>

#include <omp.h>

#include "base/check.h"
#include "base/cpu.h"
#include "graph/operators.h"
#include "runtime/arena.h"

namespace retinaface::runtime::onednn {
namespace {

using dnnl::memory;
using graph::Shape;

using Dims = memory::dims;

std::size_t index(std::int32_t id) {
  return static_cast<std::size_t>(id);
}

memory::format_tag blocked_tag() {
  switch (channel_block()) {
    case 16:
      return memory::format_tag::nChw16c;
    case 8:
      return memory::format_tag::nChw8c;
    default:
      RF_CHECK(channel_block() == 4);
      return memory::format_tag::nChw4c;
  }
}

memory::data_type library_type(graph::DataType type) {
  switch (type) {
    case graph::DataType::kFloat32:
      return memory::data_type::f32;
    case graph::DataType::kFloat16:
      return memory::data_type::f16;
    case graph::DataType::kBFloat16:
      return memory::data_type::bf16;
  }
  RF_CHECK(false);
}

Dims dims(const Shape& shape) {
  return {shape.n, shape.c, shape.h, shape.w};
}

dnnl::primitive_attr user_scratchpad() {
  // The library's own scratchpad is shared by the threads that run a primitive.
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// Builds one plan; see make_plan.
class Planner {
 public:
  Planner(const LoweredGraph& program, const std::vector<Task>& schedule, WeightStore& weights,
          std::int64_t height, std::int64_t width)
      : program_(program), schedule_(schedule), weights_(weights) {
    plan_.height = height;
    plan_.width = width;
    infer_shapes();
  }

  Plan run() {
    for (const ValueId output : program_.outputs) use(output, schedule_.size());
    use(0, 0);
    for (call_ = 0; call_ < schedule_.size(); ++call_) {
      const Task& task = schedule_[call_];
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
  // Values, shapes and their memory.

  const Value& value(ValueId id) const { return program_.values[index(id)]; }

  ValueId root(ValueId id) const {
    while (value(id).parent != kNoValue) id = value(id).parent;
    return id;
  }

  std::int64_t first_channel_in_root(ValueId id) const {
    std::int64_t first = 0;
    for (; value(id).parent != kNoValue; id = value(id).parent) first += value(id).first_channel;
    return first;
  }

  graph::DataType type(ValueId id) const { return value(root(id)).type; }

  Shape shape(ValueId id) const {
    Shape result = shapes_[index(root(id))];
    result.c = value(id).channels;
    return result;
  }

  /// Height and width of each value's root, by following the steps.
  void infer_shapes() {
    shapes_.resize(program_.values.size());
    shapes_[0] = {1, value(0).channels, plan_.height, plan_.width};
    for (const Step& step : program_.steps) {
      std::vector<Shape> sources;
      for (const ValueId source : step.sources) sources.push_back(shape(source));
      Shape target = std::visit(
          [&](const auto& op) {
            using Op = std::decay_t<decltype(op)>;
            if constexpr (std::is_same_v<Op, ConvolutionStep>) {
              return graph::output_shape(op.convolution, sources);
            } else if constexpr (std::is_same_v<Op, AddUpsampled>) {
              return sources[0];
            } else {
              return graph::output_shape(op, sources);
            }
          },
          step.op);
      target.c = value(root(step.target)).channels;
      shapes_[index(root(step.target))] = target;
    }
  }

  /// The image is planar, everything else is blocked. A part of a map, which starts at a whole
  /// block, lies in memory as a map of its own does (there is one image).
  memory::desc desc(ValueId id) const {
    const auto tag = id == 0 ? memory::format_tag::nchw : blocked_tag();
    return {dims(shape(id)), library_type(type(id)), tag};
  }

  /// Notes that call number `step` needs the value; returns the number of its piece of the arena.
  std::size_t use(ValueId id, std::size_t step) {
    const ValueId whole = root(id);
    if (pieces_by_root_.empty()) pieces_by_root_.resize(program_.values.size(), kNone);
    std::size_t& piece = pieces_by_root_[index(whole)];
    if (piece == kNone) {
      piece = pieces_.size();
      pieces_.push_back({desc(whole).get_size(), step, step});
    }
    pieces_[piece].first = std::min(pieces_[piece].first, step);
    pieces_[piece].last = std::max(pieces_[piece].last, step);
    return piece;
  }

  // The calls. Places lie within their pieces until place() knows where those are.

  Place place_of(ValueId id) {
    const Shape map = shape(id);
    const std::int64_t first = first_channel_in_root(id);
    RF_CHECK(first % channel_block() == 0);
    return {use(id, call_),
            static_cast<std::size_t>(first * map.h * map.w) * graph::element_bytes(type(id))};
  }

  MapPlace map_of(ValueId id) {
    const Shape map = shape(id);
    return {place_of(id), type(id), map.h, map.w, (map.c + channel_block() - 1) / channel_block()};
  }

  Place scratch(std::size_t bytes) {
    pieces_.push_back({bytes, call_, call_});
    return {pieces_.size() - 1, 0};
  }

  Argument in_arena(int name, ValueId id) { return {name, desc(id), place_of(id), nullptr}; }

  // Kernels of our own.

  template <typename Action>
  void add_task(const Task& task, const Action& action) {
    KernelCall kernel{&task, {}, {}, {}};
    for (const ValueId source : task.sources) kernel.sources.push_back(map_of(source));
    for (const ValueId target : task.targets) kernel.targets.push_back(map_of(target));
    kernel.scratch = scratch(scratch_floats(action, kernel.sources[0].width) *
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

  static const char* kernel_name(const kernels::Stem&) { return "own:stem"; }
  static const char* kernel_name(const SeparableTask&) { return "own:separable"; }
  static const char* kernel_name(const kernels::Winograd&) { return "own:winograd"; }
  static const char* kernel_name(const kernels::Deformable&) { return "own:deformable"; }
  static const char* kernel_name(const kernels::Pointwise&) { return "own:pointwise"; }
  static const char* kernel_name(const AddUpsampled&) { return "own:add_upsampled"; }

  // oneDNN's primitives.

  void add_task(const Task&, const LibraryTask& library) {
    const Step& step = program_.steps[library.step];
    std::visit([&](const auto& op) { add(step, op); }, step.op);
  }

  void add(const Step&, const AddUpsampled&) { RF_CHECK(false); }

  void call(const Step& step, const dnnl::primitive& primitive, const char* implementation,
            std::vector<Argument> arguments, const memory::desc& scratchpad) {
    if (const std::size_t bytes = scratchpad.get_size(); bytes > 0) {
      arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, scratch(bytes), nullptr});
    }
    plan_.calls.push_back(
        {step.name, implementation, PrimitiveCall{primitive, std::move(arguments)}});
  }

  struct ConvolutionChoice {
    dnnl::convolution_forward::primitive_desc desc;
    std::vector<PostOp> fused;     ///< done by the primitive
    std::vector<PostOp> separate;  ///< done after it
  };

  void add(const Step& step, const ConvolutionStep& op) {
    RF_CHECK(!op.deformable);
    const ConvolutionChoice choice = choose(step, op);
    const auto& conv_desc = choice.desc;

    const memory::desc plain_weight(
        weight_dims(op), library_type(op.weight.type),
        op.convolution.groups == 1 ? memory::format_tag::oihw : memory::format_tag::goihw);
    std::vector<Argument> arguments = {
        in_arena(DNNL_ARG_SRC, step.sources[0]), in_arena(DNNL_ARG_DST, step.target),
        in_weights(DNNL_ARG_WEIGHTS, op.weight, plain_weight, conv_desc.weights_desc()),
        in_weights(DNNL_ARG_BIAS, op.bias, conv_desc.bias_desc(), conv_desc.bias_desc())};
    for (std::size_t i = 0; i < choice.fused.size(); ++i) {
      if (choice.fused[i].kind != PostOp::Kind::kAdd) continue;
      arguments.push_back(
          in_arena(DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1,
                   choice.fused[i].addend));
    }
    call(step, dnnl::convolution_forward(conv_desc), conv_desc.impl_info_str(),
         std::move(arguments), conv_desc.scratchpad_desc());
    for (const PostOp& post_op : choice.separate) {
      if (post_op.kind == PostOp::Kind::kAdd) {
        add_sum(step, step.target, post_op.addend, step.target);
      } else {
        add_relu(step, post_op.slope, step.target, step.target);
      }
    }
  }

  Argument in_weights(int name, const graph::Tensor& tensor, const memory::desc& plain,
                      const memory::desc& wanted) {
    return {name, wanted, {}, weights_.get(tensor, plain, wanted)};
  }

  Dims weight_dims(const ConvolutionStep& op) const {
    const auto& conv = op.convolution;
    const std::int64_t in = op.weight.shape[1];
    if (conv.groups == 1) return {conv.out_channels, in, conv.kernel, conv.kernel};
    return {conv.groups, conv.out_channels / conv.groups, in, conv.kernel, conv.kernel};
  }

  /// Winograd's algorithm (Lavin and Gray 2016) where it wins, the direct one elsewhere.
  ConvolutionChoice choose(const Step& step, const ConvolutionStep& op) const {
    // oneDNN's Winograd takes no fused step but a plain ReLU; what it leaves is cheap on its own.
    const auto& conv = op.convolution;
    constexpr std::int64_t kWinogradChannels = 32;
    if (conv.kernel == 3 && conv.stride == 1 && conv.groups == 1 &&
        op.weight.shape[1] >= kWinogradChannels && conv.out_channels >= kWinogradChannels) {
      const bool relu = !op.post_ops.empty() && op.post_ops[0].kind == PostOp::Kind::kLeakyRelu &&
                        op.post_ops[0].slope == 0;
      const auto split = op.post_ops.begin() + (relu ? 1 : 0);
      ConvolutionChoice choice;
      choice.fused.assign(op.post_ops.begin(), split);
      choice.separate.assign(split, op.post_ops.end());
      try {
        choice.desc = describe(step, op, dnnl::algorithm::convolution_winograd, choice.fused);
        return choice;
      } catch (const dnnl::error&) {
        // This CPU or this size has none.
      }
    }
    return {describe(step, op, dnnl::algorithm::convolution_direct, op.post_ops), op.post_ops, {}};
  }

  dnnl::convolution_forward::primitive_desc describe(const Step& step, const ConvolutionStep& op,
                                                     dnnl::algorithm algorithm,
                                                     const std::vector<PostOp>& fused) const {
    const auto& conv = op.convolution;
    const auto any = memory::format_tag::any;
    const dnnl::convolution_forward::desc description(
        dnnl::prop_kind::forward_inference, algorithm, desc(step.sources[0]),
        memory::desc(weight_dims(op), library_type(op.weight.type), any),
        memory::desc({conv.out_channels}, library_type(op.bias.type), memory::format_tag::x),
        desc(step.target), {conv.stride, conv.stride}, {conv.padding, conv.padding},
        {conv.padding, conv.padding});
    dnnl::post_ops post_ops;
    for (const PostOp& post_op : fused) {
      if (post_op.kind == PostOp::Kind::kAdd) {
        post_ops.append_binary(dnnl::algorithm::binary_add, desc(post_op.addend));
      } else {
        post_ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, post_op.slope, 0);
      }
    }
    dnnl::primitive_attr attributes = user_scratchpad();
    attributes.set_post_ops(post_ops);
    return {description, attributes, cpu_engine()};
  }

  void add_relu(const Step& step, float slope, ValueId source, ValueId target) {
    const dnnl::eltwise_forward::primitive_desc relu(
        {dnnl::prop_kind::forward_inference, dnnl::algorithm::eltwise_relu, desc(source), slope},
        user_scratchpad(), cpu_engine());
    call(step, dnnl::eltwise_forward(relu), relu.impl_info_str(),
         {in_arena(DNNL_ARG_SRC, source), in_arena(DNNL_ARG_DST, target)}, relu.scratchpad_desc());
  }

  void add_sum(const Step& step, ValueId a, ValueId b, ValueId target) {
    const dnnl::binary::primitive_desc sum(
        {dnnl::algorithm::binary_add, desc(a), desc(b), desc(target)}, user_scratchpad(),
        cpu_engine());
    call(step, dnnl::binary(sum), sum.impl_info_str(),
         {in_arena(DNNL_ARG_SRC_0, a), in_arena(DNNL_ARG_SRC_1, b), in_arena(DNNL_ARG_DST, target)},
         sum.scratchpad_desc());
  }

  void add(const Step& step, const graph::LeakyRelu& op) {
    add_relu(step, op.slope, step.sources[0], step.target);
  }

  void add(const Step& step, const graph::Add&) {
    add_sum(step, step.sources[0], step.sources[1], step.target);
  }

  void add(const Step& step, const graph::Concat&) {
    std::vector<memory::desc> sources;
    std::vector<Argument> arguments = {in_arena(DNNL_ARG_DST, step.target)};
    for (std::size_t i = 0; i < step.sources.size(); ++i) {
      sources.push_back(desc(step.sources[i]));
      arguments.push_back(in_arena(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), step.sources[i]));
    }
    const dnnl::concat::primitive_desc concat(desc(step.target), 1, sources, cpu_engine(),
                                              user_scratchpad());
    call(step, dnnl::concat(concat), concat.impl_info_str(), std::move(arguments),
         concat.scratchpad_desc());
  }

  void add(const Step& step, const graph::MaxPool& op) {
    const Dims kernel = {op.kernel, op.kernel};
    const Dims padding = {op.padding, op.padding};
    const dnnl::pooling_forward::primitive_desc pool({dnnl::prop_kind::forward_inference,
                                                      dnnl::algorithm::pooling_max,
                                                      desc(step.sources[0]),
                                                      desc(step.target),
                                                      {op.stride, op.stride},
                                                      kernel,
                                                      padding,
                                                      padding},
                                                     user_scratchpad(), cpu_engine());
    call(step, dnnl::pooling_forward(pool), pool.impl_info_str(),
         {in_arena(DNNL_ARG_SRC, step.sources[0]), in_arena(DNNL_ARG_DST, step.target)},
         pool.scratchpad_desc());
  }

  void add(const Step& step, const graph::UpsampleLike&) {
    plan_.calls.push_back(
        {step.name, "own:upsample", UpsampleCall{map_of(step.sources[0]), map_of(step.target)}});
  }

  /// Gives each piece its place in the arena.
  void place() {
    const ArenaPlan arena = plan_arena(pieces_);
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
      } else {
        auto& upsample = std::get<UpsampleCall>(call.action);
        settle(upsample.source.place);
        settle(upsample.target.place);
      }
    }
    plan_.arena_bytes = arena.bytes;
    plan_.input_offset = arena.offsets[pieces_by_root_[0]];
    plan_.input_type = type(0);
    plan_.input_channels = shape(0).c;
    for (const ValueId output : program_.outputs) {
      const Shape map = shape(output);
      plan_.outputs.push_back({arena.offsets[pieces_by_root_[index(root(output))]], type(output),
                               first_channel_in_root(output), map.c, map.h, map.w});
    }
  }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  const LoweredGraph& program_;
  const std::vector<Task>& schedule_;
  WeightStore& weights_;
  Plan plan_;
  std::size_t call_ = 0;
  std::vector<Shape> shapes_;  // by root
  std::vector<Lifetime> pieces_;
  std::vector<std::size_t> pieces_by_root_;
};

}  // namespace

const dnnl::engine& cpu_engine() {
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

OneCore::OneCore() : before_(omp_get_max_threads()) {
  omp_set_num_threads(1);
}

OneCore::~OneCore() {
  omp_set_num_threads(before_);
}

std::shared_ptr<const memory> WeightStore::get(const graph::Tensor& tensor,
                                               const memory::desc& plain,
                                               const memory::desc& wanted) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = entries_.equal_range(&tensor);
  for (auto entry = begin; entry != end; ++entry) {
    if (entry->second.desc != wanted) continue;
    if (auto found = entry->second.memory.lock()) return found;
    entries_.erase(entry);
    break;
  }
  // oneDNN takes data that it only reads by a pointer to non-const.
  memory source(plain, cpu_engine(), const_cast<std::byte*>(tensor.bytes.data()));
  auto result = std::make_shared<memory>(wanted, cpu_engine());
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(source, *result).execute(stream, source, *result);
  stream.wait();
  entries_.emplace(&tensor, Entry{wanted, result});
  return result;
}

std::shared_ptr<const Plan> make_plan(const LoweredGraph& program,
                                      const std::vector<Task>& schedule, WeightStore& weights,
                                      std::int64_t height, std::int64_t width) {
  const OneCore one_core;
  return std::make_shared<const Plan>(Planner(program, schedule, weights, height, width).run());
}

}  // namespace retinaface::runtime::onednn
