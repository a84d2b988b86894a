#include "runtime/torch/training_plan.h"

#include <algorithm>
#include <span>

#include "graph/operators.h"

namespace retinaface::runtime {
namespace {

using graph::NodeId;

constexpr NodeId kNone = -1;

class Planner {
 public:
  explicit Planner(const graph::Graph& graph)
      : graph_(graph), shapes_(graph::channel_shapes(graph)), users_(graph.nodes().size()) {
    for (NodeId id = 0; id < size(); ++id) {
      for (const NodeId input : graph.node(id).inputs) users_[index(input)].push_back(id);
    }
    // An output is looked at from outside: nothing may be merged over it.
    for (const graph::Output& output : graph.outputs()) users_[index(output.node)].push_back(kNone);
  }

  std::vector<ForwardStep> plan() {
    std::vector<ForwardStep> steps(users_.size());
    std::vector<bool> merged(users_.size(), false);
    for (NodeId id = 0; id < size(); ++id) steps[index(id)] = {.node = id, .result = id};
    for (NodeId id = 0; id < size(); ++id) {
      if (is<graph::Concat>(id) && joins_norms_only(id)) {
        merge_concat(id, steps, merged);
      } else if (is<graph::BatchNorm>(id)) {
        merge_activation(id, steps[index(id)], merged);
      }
    }
    std::vector<ForwardStep> kept;
    std::vector<bool> opened(users_.size(), false);
    for (NodeId id = 0; id < size(); ++id) {
      if (merged[index(id)]) continue;
      ForwardStep& step = steps[index(id)];
      step.opens_result = !opened[index(step.result)];
      opened[index(step.result)] = true;
      kept.push_back(step);
    }
    return kept;
  }

 private:
  static std::size_t index(NodeId id) { return static_cast<std::size_t>(id); }
  NodeId size() const { return static_cast<NodeId>(users_.size()); }

  template <typename Op>
  bool is(NodeId id) const {
    return id != kNone && std::holds_alternative<Op>(graph_.node(id).op);
  }

  NodeId only_user(NodeId id) const {
    const auto& users = users_[index(id)];
    return users.size() == 1 ? users.front() : kNone;
  }

  /// Lets the step yield what the activation behind its result would, if there is just that.
  void merge_activation(NodeId result, ForwardStep& step, std::vector<bool>& merged) const {
    const NodeId user = only_user(result);
    if (!is<graph::LeakyRelu>(user)) return;
    step.slope = std::get<graph::LeakyRelu>(graph_.node(user).op).slope;
    step.result = user;
    merged[index(user)] = true;
  }

  bool joins_norms_only(NodeId concat) const {
    return std::ranges::all_of(graph_.node(concat).inputs, [&](NodeId input) {
      return is<graph::BatchNorm>(input) && only_user(input) == concat;
    });
  }

  void merge_concat(NodeId concat, std::vector<ForwardStep>& steps,
                    std::vector<bool>& merged) const {
    ForwardStep joined = {.node = concat, .result = concat};
    merge_activation(concat, joined, merged);
    std::int64_t channels = 0;
    for (const NodeId input : graph_.node(concat).inputs) {
      ForwardStep& step = steps[index(input)];
      step.result = joined.result;
      step.slope = joined.slope;
      step.first_channel = channels;
      channels += shapes_[index(input)].c;
    }
    for (const NodeId input : graph_.node(concat).inputs) {
      steps[index(input)].result_channels = channels;
    }
    merged[index(concat)] = true;
  }

  const graph::Graph& graph_;
  std::vector<graph::Shape> shapes_;
  std::vector<std::vector<NodeId>> users_;
};

}  // namespace

std::vector<ForwardStep> plan_training(const graph::Graph& graph) {
  return Planner(graph).plan();
}

}  // namespace retinaface::runtime
