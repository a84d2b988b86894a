#include "runtime/backend.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "graph/calibration.h"
#include "graph/operators.h"

namespace retinaface::runtime {
namespace {

std::string names_of(std::span<const Backend> backends) {
  std::vector<std::string_view> names;
  for (const Backend& backend : backends) names.push_back(backend.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string names_of(std::span<const graph::DataType> types) {
  std::vector<std::string_view> names;
  for (const graph::DataType type : types) names.push_back(graph::to_string(type));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The operator of the graph that the backend lacks, with its node; empty if it has all.
std::string lacking_operator(const Backend& backend, const graph::Graph& graph) {
  const auto node = std::ranges::find_if_not(graph.nodes(), backend.supports, &graph::Node::op);
  if (node == graph.nodes().end()) return {};
  return fmt::format("lacks the operator {} of the node {} here", graph::operator_name(node->op),
                     node->name);
}

/// That the backend lacks the type, and what it has; empty if it has it.
std::string lacking_type(const Backend& backend, graph::DataType type) {
  if (std::ranges::find(backend.types, type) != backend.types.end()) return {};
  return fmt::format("computes in {}, not in {}", names_of(backend.types), graph::to_string(type));
}

/// The backend's part of "NAME:ARGUMENT".
std::string_view before_colon(std::string_view name) {
  return name.substr(0, name.find(':'));
}

/// Why one of the backend's types is lacking here or for these weights; empty if it is not.
std::string type_obstacle(const Backend& backend, graph::DataType type,
                          const graph::Weights& weights) {
  return backend.type_obstacle ? backend.type_obstacle(type, weights) : std::string();
}

[[noreturn]] void fail_for_type(graph::DataType type, const std::string& reason) {
  fail(ErrorCode::kUnsupported, "{}: {}", graph::to_string(type), reason);
}

}  // namespace

std::string obstacle(const Backend& backend, const graph::Graph& graph,
                     const NetworkOptions& options) {
  if (!backend.create) return "trains networks and does not run them";
  if (std::ranges::find(backend.devices, options.device) == backend.devices.end()) {
    return fmt::format("runs on the device {}, not on {}", fmt::join(backend.devices, ", "),
                       excerpt(options.device));
  }
  if (std::string reason = lacking_type(backend, options.type); !reason.empty()) return reason;
  if (options.threads < 1 || options.threads > backend.max_threads) {
    return fmt::format("takes 1 to {} threads a run, not {}", backend.max_threads, options.threads);
  }
  return lacking_operator(backend, graph);
}

BackendRegistry::BackendRegistry(std::vector<Backend> backends) {
  for (Backend& backend : backends) add(std::move(backend));
}

void BackendRegistry::add(Backend backend) {
  RF_CHECK(std::ranges::count(backends_, backend.name, &Backend::name) == 0);
  const auto behind = std::ranges::upper_bound(backends_, backend.priority, std::ranges::greater(),
                                               &Backend::priority);
  backends_.insert(behind, std::move(backend));
}

const Backend& BackendRegistry::find(std::string_view name) const {
  const auto found = std::ranges::find(backends_, name, &Backend::name);
  if (found == backends_.end()) {
    fail(ErrorCode::kNotFound, "no backend is called '{}'; there are: {}", excerpt(name),
         names_of(backends_));
  }
  return *found;
}

const Backend& BackendRegistry::first_able(const graph::Graph& graph, const graph::Weights& weights,
                                           const NetworkOptions& options) const {
  std::vector<std::string> reasons;
  std::string of_type;
  for (const Backend& backend : backends_) {
    if (backend.priority == 0 || !backend.create) continue;
    const std::string reason = obstacle(backend, graph, options);
    if (!reason.empty()) {
      reasons.push_back(fmt::format("{} {}", backend.name, reason));
      continue;
    }
    const std::string lacking = type_obstacle(backend, options.type, weights);
    if (lacking.empty()) return backend;
    if (of_type.empty()) of_type = lacking;
  }
  // It has the remedy; another backend by its name would not help.
  if (!of_type.empty()) fail_for_type(options.type, of_type);
  fail(ErrorCode::kUnsupported,
       "no backend runs this network unasked: {}; ask for one by its name, of: {}",
       fmt::join(reasons, "; "), names_of(backends_));
}

const Backend& BackendRegistry::with_byte_layers() const {
  const auto found = std::ranges::find_if(
      backends_, [](const Backend& backend) { return backend.byte_layers.has_value(); });
  if (found == backends_.end()) {
    fail(ErrorCode::kUnsupported, "no backend computes in int8; the backends are: {}",
         names_of(backends_));
  }
  return *found;
}

std::vector<graph::DataType> BackendRegistry::types_for(const graph::Graph& graph,
                                                        const graph::Weights& weights,
                                                        const std::string& name) const {
  const Backend& backend = name.empty() ? first_able(graph, weights, {}) : find(before_colon(name));
  std::vector<graph::DataType> types = backend.types;
  std::erase_if(
      types, [&](graph::DataType type) { return !type_obstacle(backend, type, weights).empty(); });
  return types;
}

graph::DataType BackendRegistry::fastest_type(const graph::Graph& graph,
                                              const graph::Weights& weights,
                                              const std::string& name) const {
  const Backend& backend = name.empty() ? first_able(graph, weights, {}) : find(before_colon(name));
  graph::DataType fastest = graph::DataType::kFloat32;
  for (const graph::DataType type : types_for(graph, weights, name)) {
    if (type == graph::DataType::kInt8 && !graph::is_within_bounds(weights)) continue;
    if (backend.is_faster && backend.is_faster(type, kProcessor) &&
        graph::element_bytes(type) < graph::element_bytes(fastest)) {
      fastest = type;
    }
  }
  return fastest;
}

std::unique_ptr<Network> BackendRegistry::make(const graph::Graph& graph,
                                               const graph::Weights& weights,
                                               const std::string& name,
                                               NetworkOptions options) const {
  if (name.empty()) {
    return first_able(graph, weights, options).create(graph, weights, options);
  }
  const std::size_t colon = std::min(name.find(':'), name.size());
  const Backend& backend = find(before_colon(name));
  if (colon < name.size()) {
    options.argument = name.substr(colon + 1);
    if (backend.argument.empty()) {
      fail(ErrorCode::kInvalidArgument, "backend {}: expected nothing behind the name, found '{}'",
           backend.name, excerpt(name.substr(colon)));
    }
  }
  if (const std::string reason = obstacle(backend, graph, options); !reason.empty()) {
    fail(ErrorCode::kUnsupported, "backend {}: {}; the backends are: {}", backend.name, reason,
         names_of(backends_));
  }
  const std::string lacking = type_obstacle(backend, options.type, weights);
  if (!lacking.empty()) fail_for_type(options.type, lacking);
  return backend.create(graph, weights, options);
}

const Backend& BackendRegistry::trainer(std::string_view name, std::string_view device) const {
  std::vector<std::string_view> names;
  for (const Backend& backend : backends_) {
    if (!backend.train) continue;
    names.push_back(backend.name);
    if (!name.empty() && name != backend.name) continue;
    if (std::ranges::find(backend.devices, device) != backend.devices.end()) return backend;
    fail(ErrorCode::kUnsupported,
         "expected a device that the training backend '{}' has in this build and on this machine "
         "({}), found '{}'; doc/training.md says which builds have more",
         backend.name, fmt::join(backend.devices, ", "), excerpt(device));
  }
  fail(ErrorCode::kUnsupported, "expected a backend that trains ({}), found '{}'",
       fmt::join(names, ", "), excerpt(name));
}

graph::DataType BackendRegistry::training_type(graph::DataType wanted, std::string_view name,
                                               std::string_view device) const {
  const Backend& backend = trainer(name, device);
  const bool is_faster = backend.is_faster && backend.is_faster(wanted, device);
  return is_faster ? wanted : graph::DataType::kFloat32;
}

const Backend* BackendRegistry::trainer_on_other_devices() const {
  const auto found = std::ranges::find_if(backends_, [](const Backend& backend) {
    return backend.train && !backend.other_device.empty();
  });
  return found == backends_.end() ? nullptr : &*found;
}

std::unique_ptr<TrainableNetwork> BackendRegistry::make_trainable(
    const graph::Graph& graph, const graph::Weights& weights, std::string_view name,
    const TrainableOptions& options) const {
  const Backend& backend = trainer(name, options.device);
  for (const std::string& reason :
       {lacking_type(backend, options.type), lacking_operator(backend, graph)}) {
    if (!reason.empty()) fail(ErrorCode::kUnsupported, "backend {}: {}", backend.name, reason);
  }
  return backend.train(graph, weights, options);
}

}  // namespace retinaface::runtime
