#include "runtime/cpu/cpu.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/cpu.h"
#include "graph/calibration.h"
#include "runtime/cpu/byte_lowering.h"
#include "runtime/cpu/library.h"
#include "runtime/cpu/plan_cache.h"
#include "runtime/cpu/schedule.h"
#include "runtime/cpu/session.h"

namespace retinaface::runtime {
namespace {

class CpuNetwork : public Network {
 public:
  template <typename... Arguments>
  explicit CpuNetwork(Arguments&&... arguments) : plans_(std::forward<Arguments>(arguments)...) {}

  std::unique_ptr<Session> new_session() const override {
    return std::make_unique<cpu::CpuSession>(plans_);
  }

  const cpu::PlanCache& plans() const { return plans_; }

 private:
  cpu::PlanCache plans_;
};

/// One answer for each operator: a new one does not compile until it has its own.
struct Supports {
  bool operator()(const graph::Input&) const { return true; }
  bool operator()(const graph::Convolution&) const { return true; }
  /// oneDNN has none, and ours needs AVX2.
  bool operator()(const graph::DeformableConvolution&) const {
    return cpu::own_kernels() != nullptr;
  }
  bool operator()(const graph::BatchNorm&) const { return true; }
  bool operator()(const graph::LeakyRelu&) const { return true; }
  bool operator()(const graph::Add&) const { return true; }
  bool operator()(const graph::Concat&) const { return true; }
  bool operator()(const graph::UpsampleLike&) const { return true; }
  bool operator()(const graph::MaxPool&) const { return true; }
  bool operator()(const graph::AveragePool&) const { return true; }
  bool operator()(const graph::GlobalAveragePool&) const { return true; }
  bool operator()(const graph::PRelu&) const { return true; }
  bool operator()(const graph::Sigmoid&) const { return true; }
  bool operator()(const graph::Softmax&) const { return true; }
  bool operator()(const graph::Clip&) const { return true; }
  bool operator()(const graph::Arithmetic&) const { return true; }
  bool operator()(const graph::Pad&) const { return true; }
  bool operator()(const graph::GridSample&) const { return true; }
};

std::string onednn_version() {
  const dnnl_version_t& version = *dnnl::version();
  return fmt::format("oneDNN {}.{}.{}", version.major, version.minor, version.patch);
}

/// Why this processor has no such type, or the model is not ready for it.
std::string type_obstacle(graph::DataType type, const graph::Weights& weights) {
  if (type == graph::DataType::kBFloat16 && cpu::own_kernels(type) == nullptr) {
    return "this processor lacks it: AVX512-BF16 is needed, and RETINAFACE_SIMD must not ask for "
           "less";
  }
  if (type != graph::DataType::kInt8) return {};
  if (kernels::best_byte_kernels() == nullptr) {
    return "this processor lacks it: AVX2 or, on arm64, dotprod is needed, and RETINAFACE_SIMD "
           "must not ask for less";
  }
  if (!graph::has_calibration(weights)) {
    return "the model has no calibration; make one with it: `retinaface quantize MODEL --images "
           "DIR -o FILE`";
  }
  return {};
}

ByteLayers::Observed observe(const graph::Graph& graph, const graph::Weights& weights) {
  LoweredGraph lowered = lower(graph, weights, {.block = cpu::channel_block()});
  ByteLayers::Observed observed;
  lowered.outputs.clear();
  lowered.are_observed.assign(lowered.steps.size(), false);
  for (const Step& step : lowered.steps) {
    lowered.outputs.push_back(step.target);
    observed.names.push_back(step.name);
  }
  observed.network = std::make_unique<CpuNetwork>(std::move(lowered));
  return observed;
}

std::vector<std::string> byte_layers(const graph::Graph& graph, const graph::Weights& weights) {
  LoweredGraph lowered =
      lower(graph, weights,
            {.block = cpu::channel_block(), .add_upsampled = cpu::own_kernels() != nullptr});
  cpu::lower_to_bytes(lowered, graph::read_calibration(weights));
  std::vector<std::string> names;
  for (const Step& step : lowered.steps) {
    const auto* const conv = std::get_if<ConvolutionStep>(&step.op);
    const auto* const addition = std::get_if<AddUpsampled>(&step.op);
    if ((conv != nullptr && conv->on_bytes) || (addition != nullptr && addition->on_bytes)) {
      names.push_back(step.name);
    }
  }
  return names;
}

}  // namespace

Backend cpu_backend() {
  return {.name = "cpu",
          .summary = "kernels of this project and oneDNN, one core a run",
          .priority = 100,
          .devices = {kProcessor},
          .types = {graph::DataType::kFloat32, graph::DataType::kBFloat16, graph::DataType::kInt8},
          .type_obstacle = type_obstacle,
          // Without dot products three instructions do what float32's one does.
          .is_faster =
              [](graph::DataType type, std::string_view) {
                return type == graph::DataType::kBFloat16 || has_int8_dot_products();
              },
          .byte_layers = ByteLayers{.observe = observe, .names = byte_layers},
          .library = onednn_version(),
          .supports = [](const graph::Operator& op) { return std::visit(Supports{}, op); },
          .create =
              [](const graph::Graph& graph, const graph::Weights& weights,
                 const NetworkOptions& options) {
                if (options.type == graph::DataType::kInt8) {
                  return std::unique_ptr<Network>(std::make_unique<CpuNetwork>(
                      graph, weights, graph::read_calibration(weights)));
                }
                return std::unique_ptr<Network>(
                    std::make_unique<CpuNetwork>(graph, weights, options.type));
              }};
}

std::unique_ptr<Network> make_cpu_network(const graph::Graph& graph,
                                          const graph::Weights& weights) {
  return std::make_unique<CpuNetwork>(graph, weights);
}

std::vector<StepInfo> describe_plan(const Network& network, std::int64_t height,
                                    std::int64_t width) {
  const auto& own = dynamic_cast<const CpuNetwork&>(network);
  std::vector<StepInfo> steps;
  for (const auto& call : own.plans().plan(height, width)->calls) {
    steps.push_back({call.name, call.implementation});
  }
  return steps;
}

std::vector<double> profile_run(Session& session, const PixelSource* image) {
  return dynamic_cast<cpu::CpuSession&>(session).profile(image);
}

}  // namespace retinaface::runtime
