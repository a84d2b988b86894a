#include "runtime/cpu/byte_lowering.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "runtime/cpu/layer_kinds.h"
#include "runtime/kernels/winograd.h"

namespace retinaface::runtime::cpu {
namespace {

std::size_t index(std::int32_t id) {
  return static_cast<std::size_t>(id);
}

class ByteLowering {
 public:
  ByteLowering(LoweredGraph& lowered, const graph::Calibration& calibration)
      : lowered_(lowered),
        calibration_(calibration),
        codes_(lowered.values.size()),
        on_bytes_(lowered.steps.size()) {}

  ByteCodes run() {
    find_codes();
    for (std::size_t i = 0; i < lowered_.steps.size(); ++i) on_bytes_[i] = has_kernel(i);
    while (drop_impossible()) continue;
    for (std::size_t v = 0; v < codes_.size(); ++v) {
      const auto id = static_cast<ValueId>(v);
      if (is_bytes(id)) lowered_.values[v].type = graph::DataType::kUInt8;
    }
    insert_conversions();
    return std::move(codes_);
  }

 private:
  const ConvolutionStep* convolution(std::size_t i) const {
    return i < lowered_.steps.size() ? std::get_if<ConvolutionStep>(&lowered_.steps[i].op)
                                     : nullptr;
  }
  bool stays_float(std::size_t i) const {
    return calibration_.float_layers.contains(lowered_.steps[i].name);
  }
  bool has_code(ValueId id) const { return !codes_[index(id)].scale.empty(); }

  void find_codes() {
    const auto take = [&](ValueId id, std::string_view name) {
      const auto found = calibration_.codes.find(name);
      if (found == calibration_.codes.end()) return;
      const auto channels = static_cast<std::size_t>(lowered_.values[index(id)].channels);
      if (found->second.scale.size() != channels) {
        fail(ErrorCode::kBadData,
             "calibration: {}: expected {} channels, found {}; make the calibration anew: "
             "`retinaface quantize`",
             excerpt(name), channels, found->second.scale.size());
      }
      codes_[index(id)] = found->second;
    };
    take(0, graph::kImageCode);
    for (const Step& step : lowered_.steps) {
      if (!holds_exact_output(lowered_, step.target)) {
        take(step.target, step.name);
      }
    }
    // A map of parts has their codes, where they make up all of it.
    for (std::size_t v = 0; v < codes_.size(); ++v) {
      graph::ByteCode whole;
      std::size_t known = 0;
      const auto channels = static_cast<std::size_t>(lowered_.values[v].channels);
      whole.scale.resize(channels);
      whole.zero.resize(channels);
      for (std::size_t part = 0; part < codes_.size(); ++part) {
        const Value& value = lowered_.values[part];
        // An addition in place is all of its parent, which has a code of its own.
        if (value.parent != static_cast<ValueId>(v) || codes_[part].scale.empty()) continue;
        const auto first = static_cast<std::ptrdiff_t>(value.first_channel);
        std::ranges::copy(codes_[part].scale, whole.scale.begin() + first);
        std::ranges::copy(codes_[part].zero, whole.zero.begin() + first);
        known += codes_[part].scale.size();
      }
      if (codes_[v].scale.empty() && known == channels) codes_[v] = std::move(whole);
    }
    // And its parts those of a map that is written as a whole, by convolutions that were merged.
    for (std::size_t part = 0; part < codes_.size(); ++part) {
      const Value& value = lowered_.values[part];
      if (value.parent == kNoValue || has_code(static_cast<ValueId>(part))) continue;
      const graph::ByteCode& whole = codes_[index(value.parent)];
      if (whole.scale.empty()) continue;
      const auto slice = [&](const auto& values) {
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(value.first_channel);
        return std::remove_cvref_t<decltype(values)>(
            first, first + static_cast<std::ptrdiff_t>(value.channels));
      };
      codes_[part] = {slice(whole.scale), slice(whole.zero)};
    }
  }

  bool is_dense(const ConvolutionStep& conv) const {
    const auto& c = conv.convolution;
    return c.groups == 1 && (c.kernel == 1 || c.kernel == 3) && c.padding == c.kernel / 2;
  }

  bool has_kernel(std::size_t i) const {
    const Step& step = lowered_.steps[i];
    if (stays_float(i)) return false;
    if (std::holds_alternative<AddUpsampled>(step.op)) return true;
    const ConvolutionStep* const conv = convolution(i);
    if (conv == nullptr || conv->deformable || !slope_of(*conv)) return false;
    const bool reads_image = step.sources[0] == kImage;
    if (!reads_image && is_for_words(*conv, step.name)) return false;
    if (is_depthwise(*conv)) return !reads_image && leads_to_pointwise(i);
    if (!is_dense(*conv)) return false;
    return reads_image ? conv->convolution.stride == 2 && conv->convolution.kernel == 3 &&
                             conv->weight.shape[1] <= 3
                       : conv->convolution.stride == 1;
  }

  /// 3x3 layers by Winograd's algorithm, where products of four bytes take three instructions: of a
  /// quarter of the products, two take two.
  bool is_for_words(const ConvolutionStep& conv, const std::string& name) const {
    return conv.convolution.kernel == 3 && conv.convolution.stride == 1 && !conv.deformable &&
           is_dense(conv) && conv.weight.shape[1] <= kernels::kMaxWordInputs &&
           !calibration_.float_layers.contains(name) &&
           !kernels::best_byte_kernels()->has_dot_instruction;
  }

  /// Whether the depthwise convolution i can be done with the 1x1 convolution behind it.
  bool leads_to_pointwise(std::size_t i) const {
    const ConvolutionStep* const next = convolution(i + 1);
    return next != nullptr && !next->deformable && slope_of(*next) && is_dense(*next) &&
           next->convolution.kernel == 1 && next->convolution.stride == 1 && !stays_float(i + 1) &&
           leads_only_to_next(lowered_, i);
  }

  /// Whether step i reads a depthwise convolution's result that nothing else does: in float32, too,
  /// the two are done as one.
  bool follows_depthwise(std::size_t i) const {
    const ConvolutionStep* const before = i > 0 ? convolution(i - 1) : nullptr;
    return before != nullptr && is_depthwise(*before) && leads_only_to_next(lowered_, i - 1);
  }

  /// Whether all that writes the value's whole map writes bytes.
  bool is_bytes(ValueId id) const {
    const ValueId whole = root_of(lowered_, id);
    if (whole == 0 || holds_exact_output(lowered_, whole)) return false;
    bool written = false;
    for (std::size_t i = 0; i < lowered_.steps.size(); ++i) {
      const ValueId target = lowered_.steps[i].target;
      if (root_of(lowered_, target) != whole) continue;
      if (!on_bytes_[i] || !has_code(target)) return false;
      written = true;
    }
    return written;
  }

  /// Takes steps off bytes whose maps are not to be had so; whether there were any.
  bool drop_impossible() {
    for (std::size_t i = 0; i < lowered_.steps.size(); ++i) {
      const Step& step = lowered_.steps[i];
      if (!on_bytes_[i]) continue;
      bool possible = std::ranges::all_of(step.sources, [&](ValueId v) { return has_code(v); });
      // These two have no form that writes floats.
      const ConvolutionStep* const conv = convolution(i);
      const bool is_first_of_pair = conv != nullptr && is_depthwise(*conv);
      if (conv == nullptr || is_first_of_pair) possible = possible && is_bytes(step.target);
      if (is_first_of_pair) possible = possible && on_bytes_[i + 1];
      if (conv == nullptr) possible = possible && is_bytes(step.sources[0]);
      if (follows_depthwise(i)) possible = possible && on_bytes_[i - 1];
      if (possible) continue;
      on_bytes_[i] = false;
      return true;
    }
    return false;
  }

  void insert_conversions() {
    std::map<ValueId, ValueId> twins;  // of a value in the other type
    std::vector<Step> steps;
    const auto in_type = [&](ValueId id, bool bytes) {
      if ((lowered_.values[index(root_of(lowered_, id))].type == graph::DataType::kUInt8) == bytes)
        return id;
      const auto [twin, is_new] = twins.emplace(id, static_cast<ValueId>(lowered_.values.size()));
      if (is_new) {
        Value value;
        value.channels = lowered_.values[index(id)].channels;
        value.type = bytes ? graph::DataType::kUInt8 : graph::DataType::kFloat32;
        value.is_image = id == 0;
        lowered_.values.push_back(value);
        codes_.push_back(codes_[index(id)]);
        steps.push_back({id == 0 ? std::string(graph::kImageCode) : name_of(id) + ".conversion",
                         Conversion{},
                         {id},
                         twin->second});
      }
      return twin->second;
    };
    for (std::size_t i = 0; i < lowered_.steps.size(); ++i) {
      Step step = std::move(lowered_.steps[i]);
      const bool bytes = on_bytes_[i];
      for (ValueId& source : step.sources) {
        // The inner map of a pair is never written as a whole.
        source = in_type(source, bytes);
      }
      if (auto* conv = std::get_if<ConvolutionStep>(&step.op)) {
        conv->on_bytes = bytes;
        conv->by_words = !bytes && is_for_words(*conv, step.name) && has_code(step.sources[0]) &&
                         !holds_exact_output(lowered_, step.target);
        for (PostOp& op : conv->post_ops) {
          if (op.kind == PostOp::Kind::kAdd) op.addend = in_type(op.addend, false);
        }
      } else if (auto* addition = std::get_if<AddUpsampled>(&step.op)) {
        addition->on_bytes = bytes;
      }
      names_[step.target] = step.name;
      steps.push_back(std::move(step));
    }
    for (ValueId& output : lowered_.outputs) output = in_type(output, false);
    lowered_.steps = std::move(steps);
  }

  std::string name_of(ValueId id) const {
    const auto found = names_.find(id);
    return found != names_.end() ? found->second : "map";
  }

  LoweredGraph& lowered_;
  const graph::Calibration& calibration_;
  ByteCodes codes_;
  std::vector<bool> on_bytes_;            // by step
  std::map<ValueId, std::string> names_;  // of the steps done, by target
};

}  // namespace

ByteCodes lower_to_bytes(LoweredGraph& lowered, const graph::Calibration& calibration) {
  return ByteLowering(lowered, calibration).run();
}

}  // namespace retinaface::runtime::cpu
