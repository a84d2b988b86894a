#include "runtime/cpu/cpu.h"

#include <fmt/format.h>

#include "runtime/cpu/library.h"
#include "runtime/cpu/plan_cache.h"
#include "runtime/cpu/schedule.h"
#include "runtime/cpu/session.h"

namespace retinaface::runtime {
namespace {

class CpuNetwork : public Network {
 public:
  CpuNetwork(const graph::Graph& graph, const graph::Weights& weights) : plans_(graph, weights) {}

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
};

std::string onednn_version() {
  const dnnl_version_t& version = *dnnl::version();
  return fmt::format("oneDNN {}.{}.{}", version.major, version.minor, version.patch);
}

}  // namespace

Backend cpu_backend() {
  return {.name = "cpu",
          .summary = "kernels of this project and oneDNN, one core a run",
          .priority = 100,
          .devices = {"cpu"},
          .types = {graph::DataType::kFloat32},
          .library = onednn_version(),
          .supports = [](const graph::Operator& op) { return std::visit(Supports{}, op); },
          .create = [](const graph::Graph& graph, const graph::Weights& weights,
                       const NetworkOptions&) { return make_cpu_network(graph, weights); }};
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

std::vector<double> profile_run(Session& session) {
  return dynamic_cast<cpu::CpuSession&>(session).profile();
}

}  // namespace retinaface::runtime
