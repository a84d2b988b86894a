#include "runtime/backends/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::runtime {
namespace {

constexpr const char* kName = "compare";

/// Between two outputs of one image. What is not a number counts as infinitely far off.
OutputDifference difference(const FeatureMap& first, const FeatureMap& second) {
  RF_CHECK(first.channels == second.channels && first.cells() == second.cells() &&
           first.width == second.width);
  double largest = 0;
  double apart = 0;
  for (std::int64_t c = 0; c < first.channels; ++c) {
    const float* const a = first.channel(c);
    const float* const b = second.channel(c);
    for (std::int64_t i = 0; i < first.cells(); ++i) {
      const double value = double{b[i * second.block]};
      const double d = std::abs(double{a[i * first.block]} - value);
      largest = std::max(largest, std::abs(value));
      apart = std::isnan(d) ? std::numeric_limits<double>::infinity() : std::max(apart, d);
    }
  }
  const double relative = apart == 0 ? 0 : apart / largest;  // infinite where all should be 0
  return {.output = {}, .absolute = apart, .relative = relative};
}

class CompareNetwork;

class CompareSession : public Session {
 public:
  explicit CompareSession(const CompareNetwork& network);

  InputMap input(std::int64_t images, std::int64_t height, std::int64_t width) override {
    input_ = first_->input(images, height, width);
    return input_;
  }
  void run() override;
  FeatureMap output(std::size_t index) const override { return first_->output(index); }

 private:
  const CompareNetwork& network_;
  std::unique_ptr<Session> first_;
  std::unique_ptr<Session> second_;
  InputMap input_;
};

class CompareNetwork : public Network {
 public:
  CompareNetwork(const graph::Graph& graph, std::unique_ptr<Network> first,
                 std::unique_ptr<Network> second)
      : first_(std::move(first)), second_(std::move(second)) {
    for (const graph::Output& output : graph.outputs()) {
      differences_.push_back({.output = output.name});
    }
  }

  std::unique_ptr<Session> new_session() const override {
    return std::make_unique<CompareSession>(*this);
  }

  std::vector<OutputDifference> differences() const override {
    const std::lock_guard lock(mutex_);
    return differences_;
  }

  const Network& first() const { return *first_; }
  const Network& second() const { return *second_; }

  /// Takes in how far two sessions' outputs are apart.
  void compare(const Session& first, const Session& second) const {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < differences_.size(); ++i) {
      const FeatureMap a = first.output(i);
      const FeatureMap b = second.output(i);
      RF_CHECK(a.images == b.images);
      for (std::int64_t n = 0; n < a.images; ++n) {
        const OutputDifference found = difference(a.image(n), b.image(n));
        OutputDifference& largest = differences_[i];
        largest.absolute = std::max(largest.absolute, found.absolute);
        largest.relative = std::max(largest.relative, found.relative);
      }
    }
  }

 private:
  std::unique_ptr<Network> first_;
  std::unique_ptr<Network> second_;
  mutable std::mutex mutex_;
  mutable std::vector<OutputDifference> differences_;  // by output
};

CompareSession::CompareSession(const CompareNetwork& network)
    : network_(network),
      first_(network.first().new_session()),
      second_(network.second().new_session()) {}

void CompareSession::run() {
  // Copied before anything runs: a run may use its input's memory for other maps.
  const InputMap copy = second_->input(input_.shape.n, input_.shape.h, input_.shape.w);
  std::ranges::copy(input_.values(), copy.values().begin());
  first_->run();
  second_->run();
  network_.compare(*first_, *second_);
}

/// The names of the two backends that are compared.
std::pair<std::string, std::string> parts_of(const BackendRegistry& registry,
                                             const graph::Graph& graph,
                                             const NetworkOptions& options) {
  if (!options.argument.empty()) {
    const std::size_t comma = options.argument.find(',');
    if (comma == std::string::npos) {
      fail(ErrorCode::kInvalidArgument,
           "backend {}: expected the names of two backends, A,B, "
           "found '{}'",
           kName, excerpt(options.argument));
    }
    std::pair names = {options.argument.substr(0, comma), options.argument.substr(comma + 1)};
    for (const std::string& name : {names.first, names.second}) {
      if (registry.find(name).name == kName) {
        fail(ErrorCode::kInvalidArgument, "backend {}: expected two other backends, found '{}'",
             kName, excerpt(options.argument));
      }
    }
    return names;
  }
  std::vector<std::string> able;
  for (const Backend& backend : registry.backends()) {
    if (backend.name != kName && obstacle(backend, graph, options).empty()) {
      able.push_back(backend.name);
    }
  }
  if (able.size() < 2) {
    fail(ErrorCode::kUnsupported,
         "backend {}: expected two backends that run this network, found "
         "{}",
         kName, able.size());
  }
  return {able.front(), able.back()};
}

}  // namespace

Backend compare_backend(std::function<const BackendRegistry&()> registry) {
  return {.name = kName,
          .summary = "runs two others and tells how far their outputs are apart",
          .priority = 0,
          .devices = {kProcessor},
          .types = {graph::DataType::kFloat32},
          .argument = "A,B",
          .tells_differences = true,
          // Those that it runs are asked when they are made.
          .supports = [](const graph::Operator&) { return true; },
          .create = [registry = std::move(registry)](
                        const graph::Graph& graph, const graph::Weights& weights,
                        const NetworkOptions& options) -> std::unique_ptr<Network> {
            const auto [first, second] = parts_of(registry(), graph, options);
            NetworkOptions part = options;
            part.argument.clear();
            auto one = registry().make(graph, weights, first, part);
            auto other = registry().make(graph, weights, second, part);
            return std::make_unique<CompareNetwork>(graph, std::move(one), std::move(other));
          }};
}

}  // namespace retinaface::runtime
