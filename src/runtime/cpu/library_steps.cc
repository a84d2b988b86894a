#include "runtime/cpu/library_steps.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "runtime/cpu/library.h"

namespace retinaface::runtime::cpu {
namespace {

using dnnl::memory;
using Dims = memory::dims;

dnnl::primitive_attr user_scratchpad() {
  // The library's own scratchpad is shared by the threads that run a primitive.
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// See add_library_calls.
class LibrarySteps {
 public:
  LibrarySteps(MapPlacement& maps, WeightStore& weights, std::vector<Call>& calls)
      : maps_(maps), weights_(weights), calls_(calls) {}

  void add(const Step& step) {
    std::visit([&](const auto& op) { add(step, op); }, step.op);
  }

 private:
  void add(const Step&, const AddUpsampled&) { RF_CHECK(false); }
  void add(const Step&, const Conversion&) { RF_CHECK(false); }

  Argument in_arena(int name, ValueId id) {
    return {name, maps_.desc(id), maps_.place_of(id), nullptr};
  }

  void call(const Step& step, const dnnl::primitive& primitive, const char* implementation,
            std::vector<Argument> arguments, const memory::desc& scratchpad) {
    if (const std::size_t bytes = scratchpad.get_size(); bytes > 0) {
      arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, maps_.scratch(bytes), nullptr});
    }
    calls_.push_back({step.name, implementation, PrimitiveCall{primitive, std::move(arguments)}});
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

    const auto weight_desc = [&](const Dims& dims) {
      return memory::desc(
          dims, library_type(op.weight.type),
          op.convolution.groups == 1 ? memory::format_tag::oihw : memory::format_tag::goihw);
    };
    const memory::desc plain_bias({op.convolution.out_channels}, library_type(op.bias.type),
                                  memory::format_tag::x);
    std::vector<Argument> arguments = {
        {DNNL_ARG_SRC, conv_desc.src_desc(), maps_.place_of(step.sources[0]), nullptr},
        {DNNL_ARG_DST, conv_desc.dst_desc(), maps_.place_of(step.target), nullptr},
        in_weights(DNNL_ARG_WEIGHTS, op.weight, weight_desc(weight_dims(op)),
                   weight_desc(whole_weight_dims(step, op)), conv_desc.weights_desc()),
        in_weights(DNNL_ARG_BIAS, op.bias, plain_bias, conv_desc.bias_desc(),
                   conv_desc.bias_desc())};
    for (std::size_t i = 0; i < choice.fused.size(); ++i) {
      if (choice.fused[i].kind != PostOp::Kind::kAdd) continue;
      arguments.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1,
                           map_desc(step, op, choice.fused[i].addend),
                           maps_.place_of(choice.fused[i].addend), nullptr});
    }
    call(step, dnnl::convolution_forward(conv_desc), conv_desc.impl_info_str(),
         std::move(arguments), conv_desc.scratchpad_desc());
    for (std::size_t i = 0; i < choice.separate.size(); ++i) {
      const PostOp& post_op = choice.separate[i];
      switch (post_op.kind) {
        case PostOp::Kind::kAdd: {
          // An activation behind the sum goes with it.
          const bool relu = i + 1 < choice.separate.size() &&
                            choice.separate[i + 1].kind == PostOp::Kind::kLeakyRelu;
          add_sum(step, step.target, post_op.addend, step.target,
                  relu ? std::optional(choice.separate[++i].slope) : std::nullopt);
          break;
        }
        case PostOp::Kind::kLeakyRelu:
          add_relu(step, post_op.slope, step.target, step.target);
          break;
        case PostOp::Kind::kPRelu:
          add_prelu(step, *post_op.slopes, step.target, step.target);
          break;
      }
    }
  }

  void add_prelu(const Step& step, const graph::Tensor& slopes, ValueId source, ValueId target) {
    const memory::desc plain({1, slopes.shape[0], 1, 1}, library_type(slopes.type),
                             memory::format_tag::nchw);
    const memory::desc map = maps_.whole_desc(source);
    const Dims whole = {1, map.dims()[1], 1, 1};
    const dnnl::prelu_forward::primitive_desc prelu(
        {dnnl::prop_kind::forward_inference, map,
         memory::desc(whole, library_type(slopes.type), memory::format_tag::any)},
        user_scratchpad(), library_engine());
    call(step, dnnl::prelu_forward(prelu), prelu.impl_info_str(),
         {{DNNL_ARG_SRC, map, maps_.place_of(source), nullptr},
          {DNNL_ARG_DST, map, maps_.place_of(target), nullptr},
          in_weights(DNNL_ARG_WEIGHTS, slopes, plain,
                     memory::desc(whole, library_type(slopes.type), memory::format_tag::nchw),
                     prelu.weights_desc())},
         prelu.scratchpad_desc());
  }

  void add(const Step& step, const PReluStep& op) {
    add_prelu(step, *op.slopes, step.sources[0], step.target);
  }

  Argument in_weights(int name, const graph::Tensor& tensor, const memory::desc& plain,
                      const memory::desc& filled, const memory::desc& wanted) {
    return {name, wanted, {}, weights_.get(tensor, plain, filled, wanted)};
  }

  /// Whether a convolution can be run on whole blocks of channels: in groups of several channels
  /// these would be other ones, and the image has none.
  static bool takes_whole_blocks(const Step& step, const ConvolutionStep& op) {
    const auto& conv = op.convolution;
    const bool depthwise = conv.groups == conv.out_channels && op.weight.shape[1] == 1;
    return conv.groups == 1 || (depthwise && step.sources[0] != 0);
  }
  memory::desc map_desc(const Step& step, const ConvolutionStep& op, ValueId id) const {
    return takes_whole_blocks(step, op) ? maps_.whole_desc(id) : maps_.desc(id);
  }
  Dims whole_weight_dims(const Step& step, const ConvolutionStep& op) const {
    Dims dims = weight_dims(op);
    if (!takes_whole_blocks(step, op)) return dims;
    dims[0] = maps_.whole_desc(step.target).dims()[1];
    if (op.convolution.groups == 1) dims[1] = maps_.whole_desc(step.sources[0]).dims()[1];
    return dims;
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
    // As many of the steps behind it as it takes without falling back to plain loops: a sum, with
    // channels that fill no block, is one too many.
    const auto prelu = std::ranges::find(op.post_ops, PostOp::Kind::kPRelu, &PostOp::kind);
    for (auto split = prelu;; --split) {
      ConvolutionChoice choice;
      choice.fused.assign(op.post_ops.begin(), split);
      choice.separate.assign(split, op.post_ops.end());
      choice.desc = describe(step, op, dnnl::algorithm::convolution_direct, choice.fused);
      const std::string_view implementation = choice.desc.impl_info_str();
      if (implementation.find("ref") == std::string_view::npos || split == op.post_ops.begin()) {
        return choice;
      }
    }
  }

  dnnl::convolution_forward::primitive_desc describe(const Step& step, const ConvolutionStep& op,
                                                     dnnl::algorithm algorithm,
                                                     const std::vector<PostOp>& fused) const {
    const auto& conv = op.convolution;
    const auto any = memory::format_tag::any;
    const dnnl::convolution_forward::desc description(
        dnnl::prop_kind::forward_inference, algorithm, map_desc(step, op, step.sources[0]),
        memory::desc(whole_weight_dims(step, op), library_type(op.weight.type), any),
        memory::desc({map_desc(step, op, step.target).dims()[1]}, library_type(op.bias.type),
                     memory::format_tag::x),
        map_desc(step, op, step.target), {conv.stride, conv.stride}, {conv.padding, conv.padding},
        {conv.padding, conv.padding});
    dnnl::post_ops post_ops;
    for (const PostOp& post_op : fused) {
      RF_CHECK(post_op.kind != PostOp::Kind::kPRelu);
      if (post_op.kind == PostOp::Kind::kAdd) {
        post_ops.append_binary(dnnl::algorithm::binary_add, map_desc(step, op, post_op.addend));
      } else {
        post_ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, post_op.slope, 0);
      }
    }
    dnnl::primitive_attr attributes = user_scratchpad();
    attributes.set_post_ops(post_ops);
    return {description, attributes, library_engine()};
  }

  void add_relu(const Step& step, float slope, ValueId source, ValueId target) {
    const dnnl::eltwise_forward::primitive_desc relu(
        {dnnl::prop_kind::forward_inference, dnnl::algorithm::eltwise_relu,
         maps_.whole_desc(source), slope},
        user_scratchpad(), library_engine());
    call(step, dnnl::eltwise_forward(relu), relu.impl_info_str(),
         {{DNNL_ARG_SRC, relu.src_desc(), maps_.place_of(source), nullptr},
          {DNNL_ARG_DST, relu.dst_desc(), maps_.place_of(target), nullptr}},
         relu.scratchpad_desc());
  }

  void add_sum(const Step& step, ValueId a, ValueId b, ValueId target,
               std::optional<float> slope = std::nullopt) {
    add_binary(step, dnnl::algorithm::binary_add, a, b, target, slope, true);
  }

  /// With a slope, an activation of it follows. `whole`: 0 and 0 make 0.
  void add_binary(const Step& step, dnnl::algorithm algorithm, ValueId a, ValueId b, ValueId target,
                  std::optional<float> slope = std::nullopt, bool whole = false) {
    const auto desc = [&](ValueId id) { return whole ? maps_.whole_desc(id) : maps_.desc(id); };
    dnnl::primitive_attr attributes = user_scratchpad();
    if (slope) {
      dnnl::post_ops post_ops;
      post_ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, *slope, 0);
      attributes.set_post_ops(post_ops);
    }
    const dnnl::binary::primitive_desc binary({algorithm, desc(a), desc(b), desc(target)},
                                              attributes, library_engine());
    call(step, dnnl::binary(binary), binary.impl_info_str(),
         {{DNNL_ARG_SRC_0, desc(a), maps_.place_of(a), nullptr},
          {DNNL_ARG_SRC_1, desc(b), maps_.place_of(b), nullptr},
          {DNNL_ARG_DST, desc(target), maps_.place_of(target), nullptr}},
         binary.scratchpad_desc());
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
      sources.push_back(maps_.desc(step.sources[i]));
      arguments.push_back(in_arena(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), step.sources[i]));
    }
    const dnnl::concat::primitive_desc concat(maps_.desc(step.target), 1, sources, library_engine(),
                                              user_scratchpad());
    call(step, dnnl::concat(concat), concat.impl_info_str(), std::move(arguments),
         concat.scratchpad_desc());
  }

  void add(const Step& step, const graph::MaxPool& op) {
    add_pool(step, dnnl::algorithm::pooling_max, op.kernel, op.kernel, op.stride, op.padding);
  }

  void add(const Step& step, const graph::AveragePool& op) {
    add_pool(step, dnnl::algorithm::pooling_avg_exclude_padding, op.kernel, op.kernel, op.stride,
             op.padding);
  }

  void add(const Step& step, const graph::GlobalAveragePool&) {
    const graph::Shape in = maps_.shape(step.sources[0]);
    add_pool(step, dnnl::algorithm::pooling_avg_exclude_padding, in.h, in.w, 1, 0);
  }

  void add_pool(const Step& step, dnnl::algorithm algorithm, std::int64_t height,
                std::int64_t width, std::int64_t stride, std::int64_t padding) {
    const graph::Shape in = maps_.shape(step.sources[0]);
    const graph::Shape out = maps_.shape(step.target);
    // What the last window needs, which is less or more than `padding` where sides are rounded.
    const Dims after = {(out.h - 1) * stride + height - in.h - padding,
                        (out.w - 1) * stride + width - in.w - padding};
    const dnnl::pooling_forward::primitive_desc pool(
        {dnnl::prop_kind::forward_inference,
         algorithm,
         maps_.whole_desc(step.sources[0]),
         maps_.whole_desc(step.target),
         {stride, stride},
         {height, width},
         {padding, padding},
         {std::max<std::int64_t>(after[0], 0), std::max<std::int64_t>(after[1], 0)}},
        user_scratchpad(), library_engine());
    call(step, dnnl::pooling_forward(pool), pool.impl_info_str(),
         {{DNNL_ARG_SRC, pool.src_desc(), maps_.place_of(step.sources[0]), nullptr},
          {DNNL_ARG_DST, pool.dst_desc(), maps_.place_of(step.target), nullptr}},
         pool.scratchpad_desc());
  }

  void add_elementwise(const Step& step, dnnl::algorithm algorithm, float alpha, float beta) {
    const dnnl::eltwise_forward::primitive_desc function(
        {dnnl::prop_kind::forward_inference, algorithm, maps_.desc(step.sources[0]), alpha, beta},
        user_scratchpad(), library_engine());
    call(step, dnnl::eltwise_forward(function), function.impl_info_str(),
         {in_arena(DNNL_ARG_SRC, step.sources[0]), in_arena(DNNL_ARG_DST, step.target)},
         function.scratchpad_desc());
  }

  void add(const Step& step, const graph::Sigmoid&) {
    add_elementwise(step, dnnl::algorithm::eltwise_logistic, 0, 0);
  }

  void add(const Step& step, const graph::Clip& op) {
    add_elementwise(step, dnnl::algorithm::eltwise_clip, op.min, op.max);
  }

  void add(const Step& step, const graph::Softmax& op) {
    calls_.push_back({step.name, "own:softmax",
                      SoftmaxCall{maps_.map_of(step.sources[0]), maps_.map_of(step.target),
                                  maps_.shape(step.target).c, op.channels}});
  }

  void add(const Step& step, const graph::Arithmetic& op) {
    const auto algorithm = [&] {
      switch (op.kind) {
        case graph::Arithmetic::Kind::kSubtract:
          return dnnl::algorithm::binary_sub;
        case graph::Arithmetic::Kind::kMultiply:
          return dnnl::algorithm::binary_mul;
        case graph::Arithmetic::Kind::kDivide:
          return dnnl::algorithm::binary_div;
      }
      RF_CHECK(false);
    };
    add_binary(step, algorithm(), step.sources[0], step.sources[1], step.target);
  }

  void add(const Step& step, const graph::Pad& op) {
    calls_.push_back({step.name, "own:pad",
                      PadCall{maps_.map_of(step.sources[0]), maps_.map_of(step.target), op,
                              maps_.shape(step.target).c}});
  }

  void add(const Step& step, const graph::GridSample& op) {
    calls_.push_back({step.name, "own:grid_sample",
                      GridSampleCall{maps_.map_of(step.sources[0]), maps_.map_of(step.sources[1]),
                                     maps_.map_of(step.target), op}});
  }

  void add(const Step& step, const graph::UpsampleLike&) {
    calls_.push_back({step.name, "own:upsample",
                      UpsampleCall{maps_.map_of(step.sources[0]), maps_.map_of(step.target)}});
  }

  MapPlacement& maps_;
  WeightStore& weights_;
  std::vector<Call>& calls_;
};

}  // namespace

void add_library_calls(const Step& step, MapPlacement& maps, WeightStore& weights,
                       std::vector<Call>& calls) {
  LibrarySteps(maps, weights, calls).add(step);
}

}  // namespace retinaface::runtime::cpu
