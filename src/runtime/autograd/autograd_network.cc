#include "runtime/autograd/autograd_network.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <variant>

#include <ATen/ATen.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/overloaded.h"
#include "graph/operators.h"

namespace retinaface::runtime {
namespace {

using graph::NodeId;

std::size_t index(NodeId id) {
  return static_cast<std::size_t>(id);
}

/// The devices of the linked libtorch that this machine has.
std::vector<std::string> devices() {
  std::vector<std::string> names = {kProcessor};
  for (const at::DeviceType type : {at::kCUDA, at::kXPU, at::kMPS}) {
    if (!c10::impl::hasDeviceGuardImpl(type)) continue;
    const int count = int{c10::impl::getDeviceGuardImpl(type)->deviceCount()};
    const std::string name = c10::DeviceTypeName(type, /*lower_case=*/true);
    if (count > 0) names.push_back(name);
    for (int i = 1; i < count; ++i) names.push_back(fmt::format("{}:{}", name, i));
  }
  return names;
}

/// A deformable convolution by libtorch's bilinear sampling: for each point of the kernel the map
/// at the point's places, one under the other, scaled by their masks; then a 1x1 convolution of
/// all. Places and samples are float32 whatever the maps are.
at::Tensor deformable(const graph::DeformableConvolution& op, const at::Tensor& x,
                      const at::Tensor& where, const at::Tensor& weight, const at::Tensor& bias) {
  const std::int64_t points = op.kernel * op.kernel;
  const std::int64_t n = x.size(0);
  const std::int64_t channels = x.size(1);
  const std::int64_t h = where.size(2);
  const std::int64_t w = where.size(3);
  const at::TensorOptions options = x.options().dtype(at::kFloat);
  const at::Tensor offsets = where.to(at::kFloat);
  const at::Tensor shifts = offsets.narrow(1, 0, 2 * points).reshape({n, points, 2, h, w});
  const at::Tensor mask = 2 * offsets.narrow(1, 2 * points, points).sigmoid();  // (n, points, h, w)
  const at::Tensor point = at::arange(points, options);
  const at::Tensor point_y = at::floor((point + 0.5) / op.kernel);
  const at::Tensor point_x = point - op.kernel * point_y;
  const at::Tensor cell_y = at::arange(h, options) * op.stride - op.padding;
  const at::Tensor cell_x = at::arange(w, options) * op.stride - op.padding;
  const at::Tensor y = shifts.select(2, 0) + (point_y.view({points, 1, 1}) + cell_y.view({h, 1}));
  const at::Tensor x_ = shifts.select(2, 1) + (point_x.view({points, 1, 1}) + cell_x);
  // grid_sampler's -1 and 1 are the outer edges of the first and the last cell.
  const at::Tensor grid = at::stack({(2 * x_ + 1) / x.size(3) - 1, (2 * y + 1) / x.size(2) - 1}, -1)
                              .reshape({n, points * h, w, 2});
  constexpr std::int64_t kBilinear = 0;
  constexpr std::int64_t kZerosOutside = 0;
  const at::Tensor samples =
      at::grid_sampler_2d(x.to(at::kFloat), grid, kBilinear, kZerosOutside, false)
          .reshape({n, channels, points, h, w}) *
      mask.unsqueeze(1);
  return at::conv2d(samples.reshape({n, channels * points, h, w}).to(x.scalar_type()),
                    weight.reshape({op.out_channels, channels * points, 1, 1}), bias);
}

class AutogradNetwork final : public TrainableNetwork {
 public:
  AutogradNetwork(const graph::Graph& graph, const graph::Weights& weights,
                  TrainableOptions options);

  std::span<float> input(std::int64_t n, std::int64_t h, std::int64_t w) override;
  void forward() override;
  OutputBatch output(std::size_t index) override;
  std::span<float> output_gradient(std::size_t index) override;
  void backward() override;

 private:
  /// Does the work with the settings of this network; libtorch's errors become ours.
  template <typename Work>
  void on_device(const Work& work) const;
  at::Tensor host_memory(std::int64_t size) const;
  void send_parameters();
  void read_graph();
  at::Tensor evaluate(const graph::Node& node, const std::vector<at::Tensor>& maps) const;
  /// The parameter of the node, undefined where it has none of this name.
  at::Tensor parameter(const graph::Node& node, const char* suffix) const;
  /// Brings tensors of slots, of one type, to the host, as float32 in one transfer.
  void fetch(const std::vector<std::pair<const ParameterSlot*, at::Tensor>>& tensors,
             const std::function<void(const ParameterSlot&, std::span<const float>)>& take) const;
  void wait();

  /// Where an output lies among all of them.
  struct OutputRange {
    std::int64_t offset = 0;
    graph::Shape shape;
  };

  graph::Graph graph_;
  TrainableOptions options_;
  at::Device device_;
  at::ScalarType type_;  ///< of the maps
  // In the host's memory.
  std::vector<std::int64_t> places_;  ///< by slot: where it begins in staging_
  at::Tensor staging_;                ///< the parameters, with gaps between them
  graph::Shape input_shape_;
  at::Tensor images_;
  std::vector<OutputRange> output_ranges_;
  at::Tensor host_outputs_;
  at::Tensor host_gradients_;
  // On the device, of one pass.
  std::vector<at::Tensor> leaves_;             ///< by slot
  std::map<std::string, at::Tensor> by_name_;  ///< the same
  at::Tensor outputs_;                         ///< one after the other, float32, each NHWC
  bool waiting_ = false;                       ///< outputs_ are not in host_outputs_ yet
};

AutogradNetwork::AutogradNetwork(const graph::Graph& graph, const graph::Weights& weights,
                                 TrainableOptions options)
    : TrainableNetwork(graph, weights, options.frozen),
      graph_(graph),
      options_(std::move(options)),
      device_(options_.device),
      type_(options_.type == graph::DataType::kBFloat16 ? at::kBFloat16 : at::kFloat) {
  if (options_.recompute) {
    fail(ErrorCode::kUnsupported,
         "the autograd training engine keeps all maps: expected compute.recompute = false, or "
         "the engine fused");
  }
  if (options_.sum_over_processes) {
    fail(ErrorCode::kUnsupported,
         "the autograd training engine works in one process: expected no others, or the "
         "engine fused");
  }
  // Each starts where vector units and tensor cores like it.
  constexpr std::int64_t kAlignment = 64;
  std::int64_t end = 0;
  for (const ParameterSlot& slot : slots_) {
    places_.push_back(end);
    end += (static_cast<std::int64_t>(slot.size) + kAlignment - 1) / kAlignment * kAlignment;
  }
  on_device([&] { staging_ = host_memory(end).zero_(); });
}

template <typename Work>
void AutogradNetwork::on_device(const Work& work) const {
  if (device_.is_cuda()) {
    at::globalContext().setBenchmarkCuDNN(true);
    // What is left in float32 beside bfloat16 need not be more exact than that.
    at::globalContext().setAllowTF32CuDNN(type_ == at::kBFloat16);
    at::globalContext().setAllowTF32CuBLAS(type_ == at::kBFloat16);
  }
  const auto first_line = [](const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return text.substr(0, text.find('\n'));
  };
  try {
    work();
  } catch (const c10::OutOfMemoryError& error) {
    fail(ErrorCode::kTooLarge, "{}: {}; take a smaller input.batch or a larger input.accumulate",
         device_.str(), first_line(error));
  } catch (const c10::Error& error) {
    fail(ErrorCode::kUnsupported, "{}: libtorch says: {}", device_.str(), first_line(error));
  }
}

/// Memory that a GPU reads and writes by itself, if there is one.
at::Tensor AutogradNetwork::host_memory(std::int64_t size) const {
  return at::empty({size}, at::TensorOptions(at::kFloat).pinned_memory(device_.is_cuda()));
}

std::span<float> AutogradNetwork::input(std::int64_t n, std::int64_t h, std::int64_t w) {
  input_shape_ = {n, std::get<graph::Input>(graph_.nodes().front().op).channels, h, w};
  if (!images_.defined() || images_.numel() != input_shape_.elements()) {
    on_device([&] { images_ = host_memory(input_shape_.elements()); });
  }
  return {images_.data_ptr<float>(), static_cast<std::size_t>(images_.numel())};
}

void AutogradNetwork::send_parameters() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    std::ranges::copy(std::span(values_).subspan(slots_[i].offset, slots_[i].size),
                      staging_.data_ptr<float>() + places_[i]);
  }
  // Copies also where all memory is the host's: leaves and statistics must not share any.
  const at::Tensor exact = staging_.to(device_, at::kFloat, /*non_blocking=*/true, /*copy=*/true);
  const at::Tensor rounded = exact.to(type_);
  const at::Tensor moved = exact.clone();
  leaves_.clear();
  by_name_.clear();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const ParameterSlot& slot = slots_[i];
    const at::Tensor& all = slot.statistic ? moved : slot.of_norm ? exact : rounded;
    const at::Tensor leaf =
        all.narrow(0, places_[i], static_cast<std::int64_t>(slot.size)).view(slot.shape).detach();
    leaf.set_requires_grad(slot.trainable);
    leaves_.push_back(leaf);
    by_name_.emplace(slot.name, leaf);
  }
}

void AutogradNetwork::forward() {
  on_device([&] {
    send_parameters();
    read_graph();
  });
}

void AutogradNetwork::read_graph() {
  std::vector<at::Tensor> maps;
  for (const graph::Node& node : graph_.nodes()) maps.push_back(evaluate(node, maps));
  output_ranges_.clear();
  std::vector<at::Tensor> parts;
  std::int64_t end = 0;
  for (const graph::Output& output : graph_.outputs()) {
    const at::Tensor& map = maps[index(output.node)];
    output_ranges_.push_back({end, {map.size(0), map.size(1), map.size(2), map.size(3)}});
    end += map.numel();
    parts.push_back(map.to(at::kFloat).permute({0, 2, 3, 1}).reshape({-1}));
  }
  outputs_ = at::cat(parts);
  if (!host_outputs_.defined() || host_outputs_.numel() != end) {
    host_outputs_ = host_memory(end);
    host_gradients_ = host_memory(end);
  }
  waiting_ = true;
}

at::Tensor AutogradNetwork::evaluate(const graph::Node& node,
                                     const std::vector<at::Tensor>& maps) const {
  const auto input = [&](std::size_t i) -> const at::Tensor& {
    return maps[index(node.inputs[i])];
  };
  const at::Tensor weight = parameter(node, "weight");
  const at::Tensor bias = parameter(node, "bias");
  return std::visit(
      Overloaded{
          [&](const graph::Input&) {
            const auto& [n, c, h, w] = input_shape_;
            return images_.view({n, h, w, c})
                .to(device_, /*non_blocking=*/true)
                .permute({0, 3, 1, 2})  // channels last
                .to(type_);
          },
          [&](const graph::Convolution& op) {
            return at::conv2d(input(0), weight, bias, op.stride, op.padding, 1, op.groups);
          },
          [&](const graph::DeformableConvolution& op) {
            return deformable(op, input(0), input(1), weight, bias);
          },
          [&](const graph::BatchNorm& op) {
            const bool of_batch = !options_.frozen_statistics && weight.requires_grad();
            return at::batch_norm(input(0), weight, bias, parameter(node, "running_mean"),
                                  parameter(node, "running_var"), of_batch,
                                  static_cast<double>(options_.statistics_momentum),
                                  static_cast<double>(op.epsilon), /*cudnn_enabled=*/true);
          },
          [&](const graph::LeakyRelu& op) {
            return op.slope == 0 ? at::relu(input(0)) : at::leaky_relu(input(0), op.slope);
          },
          [&](const graph::Add&) { return at::add(input(0), input(1)); },
          [&](const graph::Concat&) {
            std::vector<at::Tensor> parts;
            for (std::size_t i = 0; i < node.inputs.size(); ++i) parts.push_back(input(i));
            return at::cat(parts, 1);
          },
          [&](const graph::UpsampleLike&) {
            return at::upsample_nearest2d(input(0), {input(1).size(2), input(1).size(3)});
          },
          [&](const graph::MaxPool& op) {
            return at::max_pool2d(input(0), op.kernel, op.stride, op.padding, 1, op.round_up);
          },
          [&](const graph::AveragePool& op) {
            return at::avg_pool2d(input(0), op.kernel, op.stride, op.padding, op.round_up,
                                  /*count_include_pad=*/false);
          },
          [&](const graph::GlobalAveragePool&) {
            return at::mean(input(0), {2, 3}, true);
          },
          [&](const graph::PRelu&) { return at::prelu(input(0), weight); },
          [&](const graph::Sigmoid&) { return at::sigmoid(input(0)); },
          [&](const graph::Softmax& op) {
            const at::Tensor& x = input(0);
            return at::softmax(x.reshape({x.size(0), x.size(1) / op.channels, op.channels,
                                          x.size(2), x.size(3)}),
                               2)
                .reshape(x.sizes());
          },
          [&](const graph::Clip& op) { return at::clamp(input(0), op.min, op.max); },
          [&](const graph::Pad& op) {
            return at::constant_pad_nd(input(0), {op.left, op.right, op.top, op.bottom}, op.value);
          },
          [&](const graph::GridSample& op) {
            return at::grid_sampler_2d(input(0), input(1).permute({0, 2, 3, 1}), op.nearest ? 1 : 0,
                                       op.border ? 1 : 0, op.align_corners);
          },
          [&](const graph::Arithmetic& op) {
            switch (op.kind) {
              case graph::Arithmetic::Kind::kSubtract:
                return at::sub(input(0), input(1));
              case graph::Arithmetic::Kind::kMultiply:
                return at::mul(input(0), input(1));
              case graph::Arithmetic::Kind::kDivide:
                return at::div(input(0), input(1));
            }
            RF_CHECK(false);
          },
      },
      node.op);
}

at::Tensor AutogradNetwork::parameter(const graph::Node& node, const char* suffix) const {
  const auto found = by_name_.find(node.parameter(suffix));
  return found != by_name_.end() ? found->second : at::Tensor();
}

void AutogradNetwork::fetch(
    const std::vector<std::pair<const ParameterSlot*, at::Tensor>>& tensors,
    const std::function<void(const ParameterSlot&, std::span<const float>)>& take) const {
  if (tensors.empty()) return;
  std::vector<at::Tensor> flat;
  for (const auto& [slot, tensor] : tensors) flat.push_back(tensor.reshape({-1}));
  const at::Tensor all = at::cat(flat).to(at::kFloat).cpu();  // which waits for the device
  std::span<const float> rest(all.data_ptr<float>(), static_cast<std::size_t>(all.numel()));
  for (const auto& [slot, tensor] : tensors) {
    take(*slot, rest.first(slot->size));
    rest = rest.subspan(slot->size);
  }
}

void AutogradNetwork::wait() {
  if (!std::exchange(waiting_, false)) return;
  on_device([&] {
    host_outputs_.copy_(outputs_.detach());
    std::vector<std::pair<const ParameterSlot*, at::Tensor>> statistics;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].statistic && !options_.frozen_statistics) {
        statistics.emplace_back(&slots_[i], leaves_[i]);
      }
    }
    fetch(statistics, [&](const ParameterSlot& slot, std::span<const float> moved) {
      std::ranges::copy(moved, values_.begin() + static_cast<std::ptrdiff_t>(slot.offset));
    });
  });
}

OutputBatch AutogradNetwork::output(std::size_t index) {
  wait();
  const auto& [offset, shape] = output_ranges_[index];
  return {host_outputs_.data_ptr<float>() + offset, shape.n, shape.h, shape.w, shape.c};
}

std::span<float> AutogradNetwork::output_gradient(std::size_t index) {
  const auto& [offset, shape] = output_ranges_[index];
  return {host_gradients_.data_ptr<float>() + offset, static_cast<std::size_t>(shape.elements())};
}

void AutogradNetwork::backward() {
  wait();
  if (!outputs_.requires_grad()) return;  // all is frozen
  on_device([&] {
    outputs_.backward(host_gradients_.to(device_, at::kFloat, /*non_blocking=*/true));
    outputs_.reset();
    for (const bool of_norms : {false, true}) {
      std::vector<std::pair<const ParameterSlot*, at::Tensor>> learnt;
      for (std::size_t i = 0; i < slots_.size(); ++i) {
        // Undefined where no output depends on it.
        if (slots_[i].of_norm != of_norms || !leaves_[i].grad().defined()) continue;
        learnt.emplace_back(&slots_[i], leaves_[i].grad());
      }
      fetch(learnt, [&](const ParameterSlot& slot, std::span<const float> gradient) {
        float* const sum = gradients_.data() + slot.offset;
        for (std::size_t i = 0; i < gradient.size(); ++i) sum[i] += gradient[i];
      });
    }
  });
}

}  // namespace

Backend autograd_backend() {
  return {.name = "autograd",
          .summary = "libtorch's autograd, on any device that the linked libtorch has",
          .priority = 50,
          .devices = devices(),
          .other_device = "cuda",
          .types = {graph::DataType::kFloat32, graph::DataType::kBFloat16},
          // GPUs have products of bfloat16.
          .is_faster =
              [](graph::DataType type, std::string_view device) {
                return type == graph::DataType::kBFloat16 &&
                       (device != kProcessor || has_bfloat16_products());
              },
          .supports = [](const graph::Operator&) { return true; },
          .train = [](const graph::Graph& graph, const graph::Weights& weights,
                      const TrainableOptions& options) -> std::unique_ptr<TrainableNetwork> {
            return std::make_unique<AutogradNetwork>(graph, weights, options);
          }};
}

}  // namespace retinaface::runtime
