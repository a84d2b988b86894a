#include "runtime/cpu/schedule.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"
#include "runtime/cpu/layer_kinds.h"

namespace retinaface::runtime::cpu {
namespace {

std::size_t index(std::int32_t id) {
  return static_cast<std::size_t>(id);
}

class Scheduler {
 public:
  Scheduler(const LoweredGraph& lowered, const ByteCodes& codes, graph::DataType type)
      : lowered_(lowered), codes_(codes), own_(own_kernels(type)), done_(lowered.steps.size()) {}

  std::vector<Task> run() {
    for (std::size_t i = 0; i < lowered_.steps.size(); ++i) {
      if (done_[i]) continue;
      if (!try_bytes(i) && !try_deformable(i) && !try_stem(i) && !try_separable(i) &&
          !try_pointwise(i) && !try_winograd(i) && !try_dense(i) && !try_add_upsampled(i)) {
        const Step& step = lowered_.steps[i];
        add({step.name, LibraryTask{i}, all_read_by(step), {step.target}}, {i});
      }
    }
    join_chains();
    return std::move(tasks_);
  }

 private:
  /// The step as a convolution that ends in something a kernel can do, with nothing added to it;
  /// null otherwise.
  const ConvolutionStep* convolution(std::size_t i) const {
    const ConvolutionStep* const conv = convolution_or_sum(i);
    return conv != nullptr && addend_of(*conv) == kNoValue ? conv : nullptr;
  }

  /// The same where something may be added.
  const ConvolutionStep* convolution_or_sum(std::size_t i) const {
    if (own_ == nullptr || i >= lowered_.steps.size() || done_[i]) return nullptr;
    const auto* conv = std::get_if<ConvolutionStep>(&lowered_.steps[i].op);
    const bool has_kernel = conv != nullptr && !conv->on_bytes && !conv->deformable &&
                            addend_of(*conv) != kImage && slopes_of(*conv);
    return has_kernel ? conv : nullptr;
  }

  static std::vector<ValueId> all_read_by(const Step& step) {
    std::vector<ValueId> sources = step.sources;
    if (const auto* conv = std::get_if<ConvolutionStep>(&step.op)) {
      for (const PostOp& op : conv->post_ops) {
        if (op.kind == PostOp::Kind::kAdd) sources.push_back(op.addend);
      }
    }
    return sources;
  }

  /// Task::sources of such a convolution.
  static std::vector<ValueId> sources_of(const Step& step) {
    std::vector<ValueId> sources = {step.sources[0]};
    const ValueId addend = addend_of(std::get<ConvolutionStep>(step.op));
    if (addend != kNoValue) sources.push_back(addend);
    return sources;
  }

  bool in_bfloat16() const { return own_->type == graph::DataType::kBFloat16; }

  bool whole_blocks(std::int64_t channels) const { return channels % own_->block == 0; }

  std::int64_t rounded_up(std::int64_t channels) const {
    return (channels + own_->block - 1) / own_->block * own_->block;
  }

  /// The weight for whole blocks of channels. Maps are stored in whole blocks, what is beyond their
  /// channels being 0; with these zeros it stays so.
  graph::Tensor whole(const graph::Tensor& weight, bool depthwise = false) const {
    const std::int64_t in = weight.shape[1];
    const std::vector<std::int64_t> shape = {rounded_up(weight.shape[0]),
                                             depthwise ? in : rounded_up(in), weight.shape[2],
                                             weight.shape[3]};
    if (shape == weight.shape) return weight.clone();
    graph::Tensor result = graph::Tensor::of_shape(shape);
    std::ranges::fill(result.values(), 0.0F);
    const std::int64_t area = shape[2] * shape[3];
    for (std::int64_t o = 0; o < weight.shape[0]; ++o) {
      std::copy_n(weight.values().begin() + o * in * area, in * area,
                  result.values().begin() + o * shape[1] * area);
    }
    return result;
  }

  bool is_pointwise(const ConvolutionStep& conv) const {
    constexpr std::int64_t kMaxWeights = 128 * 1024;  // half a megabyte: what a cache holds
    const auto& c = conv.convolution;
    return c.kernel == 1 && c.padding == 0 && c.stride == 1 && c.groups == 1 &&
           c.out_channels * conv.weight.shape[1] <= kMaxWeights &&
           (!in_bfloat16() || conv.weight.shape[1] <= kernels::kMaxPairedChannels);
  }

  /// oneDNN has no convolutions of floats that are rounded to bfloat16 on the way; in float32 its
  /// own are as fast.
  bool is_dense(const ConvolutionStep& conv, ValueId target) const {
    const auto& c = conv.convolution;
    return in_bfloat16() && !holds_exact_output(lowered_, target) && c.groups == 1 &&
           rounded_up(c.out_channels) <= 2 * c.out_channels &&
           rounded_up(conv.weight.shape[1]) <= 2 * conv.weight.shape[1];
  }

  bool is_winograd(const ConvolutionStep& conv) const {
    // Each weight becomes 36. oneDNN has a Winograd of its own, for wide layers with AVX-512 only;
    // of fewer than 64 channels (the offsets of deformable layers) it makes half of ours.
    constexpr std::int64_t kWide = 64;
    const auto& c = conv.convolution;
    const bool has_other =
        simd_level() == SimdLevel::kAvx512 && c.out_channels >= kWide && !in_bfloat16();
    const std::int64_t max_weights = has_other ? 64 * 64 : 512 * 512;
    return c.kernel == 3 && c.padding == 1 && c.stride == 1 && c.groups == 1 &&
           rounded_up(c.out_channels) <= 2 * c.out_channels &&
           rounded_up(conv.weight.shape[1]) <= 2 * conv.weight.shape[1] &&
           c.out_channels * conv.weight.shape[1] <= max_weights;
  }

  bool leads_only_to_next(std::size_t i) const { return runtime::leads_only_to_next(lowered_, i); }

  /// Those of a convolution that yields the value: what leaves the network is not rounded.
  const kernels::Kernels& kernels_of(ValueId target) const {
    return holds_exact_output(lowered_, target) ? *own_kernels() : *own_;
  }

  kernels::Epilogue epilogue(const ConvolutionStep& conv) const {
    return kernels::make_epilogue(*own_, conv.bias, *slopes_of(conv));
  }

  const graph::ByteCode& code(ValueId id) const {
    RF_CHECK(!codes_[index(id)].scale.empty());
    return codes_[index(id)];
  }
  /// Null where the value is floats.
  const graph::ByteCode* code_if_bytes(ValueId id) const {
    const ValueId root = root_of(lowered_, id);
    return lowered_.values[index(root)].type == graph::DataType::kUInt8 ? &code(id) : nullptr;
  }

  kernels::ByteConvolution byte_convolution(std::size_t i) const {
    const Step& step = lowered_.steps[i];
    const auto& conv = std::get<ConvolutionStep>(step.op);
    return kernels::make_byte_convolution(*kernels::best_byte_kernels(), conv.weight, conv.bias,
                                          conv.convolution.stride, *slope_of(conv),
                                          code(step.sources[0]), code_if_bytes(step.target));
  }

  const ConvolutionStep* convolution_on_bytes(std::size_t i) const {
    if (i >= lowered_.steps.size()) return nullptr;
    const auto* conv = std::get_if<ConvolutionStep>(&lowered_.steps[i].op);
    return conv != nullptr && conv->on_bytes ? conv : nullptr;
  }

  kernels::ByteStemLayer stem_layer(std::size_t i) const {
    const auto& conv = std::get<ConvolutionStep>(lowered_.steps[i].op);
    return {&conv.weight, &conv.bias, *slope_of(conv), code_if_bytes(lowered_.steps[i].target)};
  }

  /// The image's conversion and the three layers behind it.
  bool try_byte_stem(std::size_t i) {
    const Step& step = lowered_.steps[i];
    const auto* first = convolution_on_bytes(i + 1);
    const auto* depthwise = convolution_on_bytes(i + 2);
    const auto* pointwise = convolution_on_bytes(i + 3);
    if (first == nullptr || depthwise == nullptr || pointwise == nullptr ||
        !lowered_.values[index(step.target)].is_image || first->weight.shape[1] != 3 ||
        first->convolution.stride != 2 ||
        first->convolution.out_channels != kernels::kStemChannels || !is_depthwise(*depthwise) ||
        depthwise->convolution.stride != 1 || !is_pointwise(*pointwise) || !leads_only_to_next(i) ||
        !leads_only_to_next(i + 1) || !leads_only_to_next(i + 2)) {
      return false;
    }
    const Step& last = lowered_.steps[i + 3];
    add({last.name,
         chain_of(kernels::make_byte_stem(*kernels::best_byte_kernels(), stem_layer(i + 1),
                                          depthwise_layer(i + 2), stem_layer(i + 3),
                                          code(step.target))),
         step.sources,
         {last.target}},
        {i, i + 1, i + 2, i + 3});
    return true;
  }

  /// The same of a depthwise convolution, whose result is bytes that are never written as a map.
  kernels::ByteStemLayer depthwise_layer(std::size_t i) const {
    kernels::ByteStemLayer layer = stem_layer(i);
    layer.code = &code(lowered_.steps[i].target);
    return layer;
  }

  /// Whether the step is a convolution on bytes whose result is, too, and of whole blocks.
  bool can_be_joined(std::size_t i) const {
    const auto* const conv = done_[i] ? nullptr : convolution_on_bytes(i);
    return conv != nullptr && conv->convolution.groups == 1 && conv->convolution.stride == 1 &&
           conv->convolution.out_channels % kernels::best_byte_kernels()->block == 0 &&
           code_if_bytes(lowered_.steps[i].target) != nullptr;
  }

  /// With a convolution of its kind that reads the same map, as one of more channels: what each
  /// product is computed of is loaded for more of them.
  bool try_byte_pair(std::size_t i) {
    const Step& step = lowered_.steps[i];
    if (!can_be_joined(i)) return false;
    const auto& conv = std::get<ConvolutionStep>(step.op);
    for (std::size_t j = i + 1; j < lowered_.steps.size(); ++j) {
      const Step& other_step = lowered_.steps[j];
      if (!can_be_joined(j) || other_step.sources != step.sources) continue;
      const auto& other = std::get<ConvolutionStep>(other_step.op);
      if (other.convolution.kernel != conv.convolution.kernel) continue;
      std::vector<float> slopes(conv.bias.size(), *slope_of(conv));
      slopes.resize(slopes.size() + other.bias.size(), *slope_of(other));
      const graph::ByteCode both = graph::joined(code(step.target), code(other_step.target));
      kernels::ByteConvolution layer = kernels::make_byte_convolution(
          *kernels::best_byte_kernels(), stacked(conv.weight, other.weight),
          stacked(conv.bias, other.bias), 1, slopes, code(step.sources[0]), &both);
      layer.first_blocks = conv.convolution.out_channels / kernels::best_byte_kernels()->block;
      add({step.name, std::move(layer), step.sources, {step.target, other_step.target}}, {i, j});
      return true;
    }
    return false;
  }

  /// Steps on bytes, and those to them and back.
  bool try_bytes(std::size_t i) {
    const Step& step = lowered_.steps[i];
    if (try_byte_stem(i)) return true;
    if (std::holds_alternative<Conversion>(step.op)) {
      const kernels::ByteKernels& bytes = *kernels::best_byte_kernels();
      const bool to_bytes = code_if_bytes(step.target) != nullptr;
      const bool image = lowered_.values[index(step.target)].is_image;
      add({step.name,
           to_bytes ? kernels::make_to_bytes(bytes, code(step.target), image)
                    : kernels::make_to_floats(bytes, code(step.sources[0])),
           step.sources,
           {step.target}},
          {i});
      return true;
    }
    if (const auto* addition = std::get_if<AddUpsampled>(&step.op)) {
      if (!addition->on_bytes) return false;
      add({step.name,
           kernels::make_byte_addition(*kernels::best_byte_kernels(), code(step.sources[0]),
                                       code(step.sources[1]), code(step.target)),
           step.sources,
           {step.target}},
          {i});
      return true;
    }
    const auto* conv = std::get_if<ConvolutionStep>(&step.op);
    if (conv == nullptr || !conv->on_bytes) return false;
    if (conv->convolution.groups == 1) {
      if (!try_byte_pair(i))
        add({step.name, byte_convolution(i), step.sources, {step.target}}, {i});
      return true;
    }
    const Step& next = lowered_.steps[i + 1];
    add({next.name,
         chain_of(ByteSeparableTask{
             kernels::make_byte_depthwise(*kernels::best_byte_kernels(), conv->weight, conv->bias,
                                          conv->convolution.stride, *slope_of(*conv),
                                          code(step.sources[0]), code(step.target)),
             byte_convolution(i + 1)}),
         step.sources,
         {next.target}},
        {i, i + 1});
    return true;
  }

  bool try_deformable(std::size_t i) {
    const Step& step = lowered_.steps[i];
    const auto* conv = std::get_if<ConvolutionStep>(&step.op);
    if (conv == nullptr || !conv->deformable) return false;
    RF_CHECK(own_ != nullptr);
    if (step.sources[0] == kImage || step.sources[1] == kImage) {
      fail(ErrorCode::kUnsupported,
           "layer {}: a deformable convolution that reads the image itself", step.name);
    }
    const auto& c = conv->convolution;
    add({step.name,
         kernels::make_deformable(*own_, conv->weight, c.stride, c.padding, epilogue(*conv)),
         step.sources,
         {step.target}},
        {i});
    return true;
  }

  bool try_stem(std::size_t i) {
    const auto* first = convolution(i);
    const auto* depthwise = convolution(i + 1);
    const auto* pointwise = convolution(i + 2);
    if (first == nullptr || depthwise == nullptr || pointwise == nullptr) return false;
    const auto& c = first->convolution;
    if (lowered_.steps[i].sources[0] != 0 || first->weight.shape[1] != 3 || c.kernel != 3 ||
        c.stride != 2 || c.padding != 1 || c.out_channels != kernels::kStemChannels ||
        !is_depthwise(*depthwise) || depthwise->convolution.stride != 1 ||
        !is_pointwise(*pointwise) || !whole_blocks(pointwise->convolution.out_channels) ||
        !leads_only_to_next(i) || !leads_only_to_next(i + 1) || !is_convex(*first) ||
        !is_convex(*depthwise)) {
      return false;
    }
    add({lowered_.steps[i + 2].name,
         chain_of(kernels::make_stem(*own_, first->weight, epilogue(*first), depthwise->weight,
                                     epilogue(*depthwise), pointwise->weight,
                                     epilogue(*pointwise))),
         {0},
         {lowered_.steps[i + 2].target}},
        {i, i + 1, i + 2});
    return true;
  }

  bool try_separable(std::size_t i) {
    const auto* depthwise = convolution(i);
    const auto* pointwise = convolution(i + 1);
    if (depthwise == nullptr || pointwise == nullptr || !is_depthwise(*depthwise) ||
        !is_pointwise(*pointwise) || !leads_only_to_next(i) ||
        lowered_.steps[i].sources[0] == kImage) {
      return false;
    }
    add({lowered_.steps[i + 1].name,
         chain_of(SeparableTask{
             kernels::make_depthwise(*own_, whole(depthwise->weight, true),
                                     depthwise->convolution.stride, epilogue(*depthwise)),
             kernels::make_pointwise(*own_, whole(pointwise->weight), epilogue(*pointwise))}),
         lowered_.steps[i].sources,
         {lowered_.steps[i + 1].target}},
        {i, i + 1});
    return true;
  }

  /// In float32 oneDNN adds to 1x1 layers faster than ours, where it makes code for the processor.
  bool sums_pointwise() const {
#if defined(__x86_64__)
    return in_bfloat16();
#else
    return true;
#endif
  }

  bool try_pointwise(std::size_t i) {
    const auto* conv = own_ != nullptr && sums_pointwise() ? convolution_or_sum(i) : convolution(i);
    const Step& step = lowered_.steps[i];
    if (conv == nullptr || !is_pointwise(*conv) || step.sources[0] == kImage) return false;
    add({step.name,
         kernels::make_pointwise(kernels_of(step.target), whole(conv->weight), epilogue(*conv)),
         sources_of(step),
         {step.target}},
        {i});
    return true;
  }

  bool try_dense(std::size_t i) {
    const auto* conv = convolution_or_sum(i);
    const Step& step = lowered_.steps[i];
    if (conv == nullptr || !is_dense(*conv, step.target) || step.sources[0] == kImage) return false;
    const auto& c = conv->convolution;
    add({step.name,
         kernels::make_dense(*own_, conv->weight, c.stride, c.padding, epilogue(*conv)),
         sources_of(step),
         {step.target}},
        {i});
    return true;
  }

  /// With it go the convolutions of its kind that read the same map: the input is transformed once.
  bool try_winograd(std::size_t i) {
    const auto* first = convolution_or_sum(i);
    const Step& step = lowered_.steps[i];
    if (first == nullptr || !is_winograd(*first) || step.sources[0] == kImage) return false;
    Task task{step.name, {}, sources_of(step), {step.target}};
    std::vector<std::size_t> steps = {i};
    graph::Tensor weight = whole(first->weight);
    kernels::Epilogue all = epilogue(*first);
    const bool alone = addend_of(*first) != kNoValue;
    for (std::size_t j = i + 1; j < lowered_.steps.size() && !alone; ++j) {
      const auto* other = convolution(j);
      if (other == nullptr || !is_winograd(*other) || other->by_words != first->by_words ||
          lowered_.steps[j].sources != step.sources ||
          (weight.shape[0] + rounded_up(other->weight.shape[0])) * weight.shape[1] > 64 * 64) {
        continue;
      }
      weight = stacked(weight, whole(other->weight));
      all = kernels::joined(all, epilogue(*other));
      task.targets.push_back(lowered_.steps[j].target);
      steps.push_back(j);
    }
    const kernels::Kernels& kernels = kernels_of(step.target);
    task.action =
        first->by_words && kernels.has_word_products
            ? kernels::make_word_winograd(kernels, weight, std::move(all), code(step.sources[0]))
            : kernels::make_winograd(kernels, weight, std::move(all));
    add(std::move(task), steps);
    return true;
  }

  bool try_add_upsampled(std::size_t i) {
    const Step& step = lowered_.steps[i];
    if (!std::holds_alternative<AddUpsampled>(step.op)) return false;
    add({step.name, AddUpsampled{}, step.sources, {step.target}}, {i});
    return true;
  }

  static graph::Tensor stacked(const graph::Tensor& a, const graph::Tensor& b) {
    std::vector<std::int64_t> shape = a.shape;
    shape[0] += b.shape[0];
    graph::Tensor both = graph::Tensor::of_shape(std::move(shape));
    std::ranges::copy(b.values(), std::ranges::copy(a.values(), both.values().begin()).out);
    return both;
  }

  static ChainTask chain_of(ChainTask::Stage stage) {
    ChainTask chain;
    chain.stages.push_back(std::move(stage));
    return chain;
  }

  /// Makes one of the chains that follow each other.
  void join_chains() {
    std::vector<Task> joined;
    for (Task& task : tasks_) {
      auto* const next = std::get_if<ChainTask>(&task.action);
      auto* const before = joined.empty() ? nullptr : std::get_if<ChainTask>(&joined.back().action);
      if (next != nullptr && before != nullptr && task.sources == joined.back().targets &&
          before->stages.size() < kMaxChainStages && !begins_with_stem(next->stages.front()) &&
          leads_only_to_next(joined.back().last_step) &&
          std::holds_alternative<SeparableTask>(next->stages.front()) ==
              (code_if_bytes(task.sources[0]) == nullptr)) {
        before->stages.push_back(std::move(next->stages.front()));
        joined.back().name = std::move(task.name);
        joined.back().targets = std::move(task.targets);
        joined.back().last_step = task.last_step;
      } else {
        joined.push_back(std::move(task));
      }
    }
    tasks_ = std::move(joined);
  }

  void add(Task task, const std::vector<std::size_t>& steps) {
    task.last_step = steps.back();
    for (const std::size_t i : steps) done_[i] = true;
    tasks_.push_back(std::move(task));
  }

  const LoweredGraph& lowered_;
  const ByteCodes& codes_;
  const kernels::Kernels* own_;
  std::vector<bool> done_;  // by step, whether a task executes it
  std::vector<Task> tasks_;
};

}  // namespace

bool reads_pixels(const std::vector<Task>& schedule, std::span<const float> mean) {
  if (std::ranges::count_if(schedule, [](const Task& task) {
        return std::ranges::count(task.sources, 0) > 0;
      }) != 1) {
    return false;
  }
  const Task& first = schedule.front();
  const auto* const chain = std::get_if<ChainTask>(&first.action);
  if (chain == nullptr || first.sources[0] != 0) return false;
  const auto* const bytes = std::get_if<kernels::ByteStem>(&chain->stages.front());
  return bytes != nullptr ? kernels::reads_pixels(*bytes, mean)
                          : std::holds_alternative<kernels::Stem>(chain->stages.front());
}

std::vector<Task> make_schedule(const LoweredGraph& lowered, const ByteCodes& codes,
                                graph::DataType type) {
  return Scheduler(lowered, codes, type).run();
}

}  // namespace retinaface::runtime::cpu
