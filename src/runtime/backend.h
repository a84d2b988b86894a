#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"
#include "graph/weights.h"
#include "runtime/device.h"
#include "runtime/runtime.h"
#include "runtime/trainable_network.h"

namespace retinaface::runtime {

/// What a network is made for.
struct NetworkOptions {
  std::string device = kProcessor;
  graph::DataType type = graph::DataType::kFloat32;  ///< that it computes in
  int threads = 1;                                   ///< that one run may use
  std::string argument = {};                         ///< of the backend, Backend::argument
};

/// What a calibration (graph/calibration.h) for a backend's kInt8 is made and judged by.
struct ByteLayers {
  /// A network in float32, and the names of its outputs: all maps that a calibration codes, layer
  /// by layer, as nothing is fused.
  struct Observed {
    std::unique_ptr<Network> network;
    std::vector<std::string> names;
  };
  std::function<Observed(const graph::Graph&, const graph::Weights&)> observe;
  /// The layers that are computed on bytes by the calibration beside the weights; the others stay
  /// in float32. Throws Error(kBadData) for a calibration of another network.
  std::function<std::vector<std::string>(const graph::Graph&, const graph::Weights&)> names;
};

/// One way of running graphs, or of training them, or both: an entry of the registry. It is given
/// weights of any type, and reads them by graph::as_float32 where it computes in float32.
struct Backend {
  std::string name;
  std::string summary;
  /// Of the backends that can run a graph (or train one) the one of the highest priority does,
  /// unless another is asked for by name. 0: only when asked for, because it is slow or does more
  /// than run.
  int priority = 0;
  std::vector<std::string> devices;
  /// One more that it may have where `devices` depend on build and machine, as an example in help;
  /// empty: they do not.
  std::string other_device = {};
  std::vector<graph::DataType> types;
  /// Why this processor, or a model of these weights, lacks one of `types`; empty if neither does.
  /// Null: never.
  std::function<std::string(graph::DataType, const graph::Weights&)> type_obstacle = {};
  /// Whether one of `types` is faster than float32 on one of `devices` as this machine has it.
  /// Null: never.
  std::function<bool(graph::DataType, std::string_view device)> is_faster = {};
  /// Where kInt8 is among `types`.
  std::optional<ByteLayers> byte_layers = {};
  int max_threads = 1;        ///< that one run can use
  std::string library = {};   ///< name and version of one that it stands on
  std::string argument = {};  ///< form of what may follow its name and a colon; empty: nothing may
  bool tells_differences = false;  ///< its networks run two others: Network::differences
  std::function<bool(const graph::Operator&)> supports;
  /// Empty in a backend that only trains. The graph's operators, the device, the type and the
  /// threads are among those above.
  std::function<std::unique_ptr<Network>(const graph::Graph&, const graph::Weights&,
                                         const NetworkOptions&)>
      create = {};
  /// Empty in a backend that only runs. The graph's operators, the device and the type are among
  /// those above. Throws Error(kUnsupported), naming node and operator, for a graph that it cannot
  /// train, and for options that it lacks.
  std::function<std::unique_ptr<TrainableNetwork>(const graph::Graph&, const graph::Weights&,
                                                  const TrainableOptions&)>
      train = {};
};

/// Why `backend` cannot run the graph so: for an operator that it lacks the first node of that
/// kind, and the operator. Empty if it can.
std::string obstacle(const Backend& backend, const graph::Graph& graph,
                     const NetworkOptions& options);

/// The backends of a program. Safe for several threads that only read.
class BackendRegistry {
 public:
  explicit BackendRegistry(std::vector<Backend> backends);

  /// Makes one more known, which a program has beyond those of the library. To be called before
  /// other threads use the registry. Its name must be new.
  void add(Backend backend);

  /// By falling priority.
  std::span<const Backend> backends() const { return backends_; }

  /// Throws Error(kNotFound) that lists the names there are.
  const Backend& find(std::string_view name) const;

  /// The backend `name`, or, if that is empty, the one of the highest priority that trains. Throws
  /// Error(kUnsupported) that lists what there is for one that does not train, and for a device
  /// that it lacks.
  const Backend& trainer(std::string_view name, std::string_view device = kProcessor) const;

  /// What trainer(name, device) had best train in where `wanted` is asked for: that, if it is
  /// faster there than float32, or else float32, which is more exact.
  graph::DataType training_type(graph::DataType wanted, std::string_view name,
                                std::string_view device = kProcessor) const;

  /// The one of the highest priority that trains on devices which depend on build and machine
  /// (Backend::other_device); null if none does.
  const Backend* trainer_on_other_devices() const;

  /// The one of the highest priority that has kInt8. Throws Error(kUnsupported) where none has.
  const Backend& with_byte_layers() const;

  /// A network by the backend `name`, "NAME" or "NAME:ARGUMENT", or, if that is empty, by the one
  /// of the highest priority that can. Throws Error: kNotFound for a name that is unknown;
  /// kInvalidArgument for an argument that the backend does not take; kUnsupported with the
  /// obstacle where it cannot run the graph.
  std::unique_ptr<Network> make(const graph::Graph& graph, const graph::Weights& weights,
                                const std::string& name = {}, NetworkOptions options = {}) const;

  /// The same for training, by trainer(name, options.device).
  std::unique_ptr<TrainableNetwork> make_trainable(const graph::Graph& graph,
                                                   const graph::Weights& weights,
                                                   std::string_view name,
                                                   const TrainableOptions& options) const;

  /// The one that make() takes without a name. Throws Error(kUnsupported): with the type's obstacle
  /// where nothing else hinders one of them, or else with each one's obstacle.
  const Backend& first_able(const graph::Graph& graph, const graph::Weights& weights,
                            const NetworkOptions& options) const;

  /// The types that the backend called `name`, as make() takes it, has for a network of these
  /// weights on this processor.
  std::vector<graph::DataType> types_for(const graph::Graph& graph, const graph::Weights& weights,
                                         const std::string& name) const;

  /// Of those the one of the least bits that is faster than float32, or float32.
  graph::DataType fastest_type(const graph::Graph& graph, const graph::Weights& weights,
                               const std::string& name) const;

 private:
  std::vector<Backend> backends_;
};

}  // namespace retinaface::runtime
