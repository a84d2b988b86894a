#include "runtime/torch/map_retention.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <variant>

#include "base/overloaded.h"
#include "graph/operators.h"

namespace retinaface::runtime {
namespace {

using graph::NodeId;

/// Where a map is written and read, by steps.
struct MapUse {
  std::size_t opened = 0;  ///< the first step that writes to it
  std::size_t closed = 0;  ///< the last one
  std::vector<std::size_t> readers;
  std::vector<std::size_t> derivatives;  ///< steps that read it when they are run backwards
  std::int64_t size = 0;

  std::size_t last_read() const { return readers.empty() ? closed : readers.back(); }
};

/// Which maps of a step are read.
struct MapNeeds {
  bool forward_first_only = false;  ///< of the inputs the first alone; else all of them
  bool backward_inputs = false;     ///< the inputs, for the derivatives
  bool backward_result = false;     ///< the result, for the derivatives
};

MapNeeds needs_of(const graph::Operator& op) {
  constexpr MapNeeds kInputs = {.backward_inputs = true};
  constexpr MapNeeds kNothing = {};
  return std::visit(
      Overloaded{
          [&](const graph::Input&) { return kNothing; },
          [&](const graph::Convolution&) { return kInputs; },
          [&](const graph::DeformableConvolution&) { return kInputs; },
          [&](const graph::BatchNorm&) { return kInputs; },
          [&](const graph::LeakyRelu&) { return MapNeeds{.backward_result = true}; },
          [&](const graph::Add&) { return kNothing; },
          [&](const graph::Concat&) { return kNothing; },
          // Of the second input the size alone counts.
          [&](const graph::UpsampleLike&) { return MapNeeds{.forward_first_only = true}; },
          [&](const graph::MaxPool&) { return kInputs; },
          // The fused engine refuses them (check_trainable).
          [&](const graph::AveragePool&) { return kInputs; },
          [&](const graph::GlobalAveragePool&) { return kInputs; },
          [&](const graph::PRelu&) { return kInputs; },
          [&](const graph::Sigmoid&) { return kInputs; },
          [&](const graph::Softmax&) { return kInputs; },
          [&](const graph::Clip&) { return kInputs; },
          [&](const graph::Arithmetic&) { return kInputs; },
          [&](const graph::Pad&) { return kNothing; },
          [&](const graph::GridSample&) { return kInputs; },
      },
      op);
}

class Planner {
 public:
  Planner(const graph::Graph& graph, std::span<const ForwardStep> steps)
      : steps_(steps), uses_(graph.nodes().size()) {
    const std::vector<graph::Shape> shapes = graph::channel_shapes(graph);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const ForwardStep& step = steps[i];
      MapUse& result = use(step.result);
      if (step.opens_result) result.opened = i;
      result.closed = i;
      result.size = shapes[static_cast<std::size_t>(step.result)].elements();

      const graph::Node& node = graph.node(step.node);
      const MapNeeds needs = needs_of(node.op);
      for (std::size_t j = 0; j < node.inputs.size(); ++j) {
        if (needs.forward_first_only && j > 0) continue;
        MapUse& input = use(node.inputs[j]);
        input.readers.push_back(i);
        if (needs.backward_inputs) input.derivatives.push_back(i);
      }
      if (needs.backward_result) result.derivatives.push_back(i);
    }
  }

  MapRetention plan(bool recompute) const {
    MapRetention plan;
    plan.segments = recompute ? min_memory() : whole();
    plan.dropped_forward.resize(steps_.size());
    plan.dropped_repeated.resize(steps_.size());
    plan.runs_again.resize(steps_.size());
    // From the last to the first, since a step runs again for those that read it.
    for (auto segment = plan.segments.rbegin(); segment != plan.segments.rend(); ++segment) {
      for (std::size_t step = segment->end; step-- > segment->begin;) decide(step, *segment, plan);
    }
    return plan;
  }

 private:
  MapUse& use(NodeId id) { return uses_[static_cast<std::size_t>(id)]; }

  std::vector<StepSegment> whole() const { return {{0, steps_.size(), false}}; }

  /// What becomes of the step and its map.
  void decide(std::size_t step, const StepSegment& own, MapRetention& plan) const {
    const NodeId id = steps_[step].result;
    if (id == 0) return;  // the image is its owner's
    const MapUse& map = uses_[static_cast<std::size_t>(id)];
    const auto repeated = [&](std::size_t at) {
      return std::ranges::find_if(plan.segments, [&](const StepSegment& s) { return at < s.end; })
          ->repeated;
    };
    const auto elsewhere = [&](std::size_t at) { return at >= own.end; };
    const bool kept =
        std::ranges::any_of(map.readers, [&](auto at) { return elsewhere(at) && repeated(at); }) ||
        std::ranges::any_of(map.derivatives, [&](auto at) { return !repeated(at); });
    plan.runs_again[step] =
        own.repeated && !kept &&
        (!map.derivatives.empty() ||
         std::ranges::any_of(map.readers, [&](auto at) { return plan.runs_again[at]; }));
    if (step != map.opened) return;
    if (!kept) plan.dropped_forward[map.last_read()].push_back(id);
    if (plan.runs_again[step] && map.derivatives.empty()) {
      plan.dropped_repeated[map.last_read()].push_back(id);
    }
  }

  /// What steps [begin, end) leave for their derivatives.
  std::int64_t inner_size(std::size_t begin, std::size_t end) const {
    std::int64_t size = 0;
    for (std::size_t step = begin; step < end; ++step) {
      const MapUse& map = uses_[static_cast<std::size_t>(steps_[step].result)];
      if (map.opened == step && !map.derivatives.empty()) size += map.size;
    }
    return size;
  }

  bool may_cut(std::size_t at) const {
    return std::ranges::none_of(
        uses_, [&](const MapUse& map) { return map.opened < at && at <= map.closed; });
  }

  static bool crosses(const MapUse& map, std::size_t cut) {
    return map.opened < cut && cut <= map.last_read();
  }

  std::int64_t size_across(std::size_t cut) const {
    std::int64_t size = 0;
    for (const MapUse& map : uses_) size += crosses(map, cut) ? map.size : 0;
    return size;
  }

  /// Segments of about this size, cut where the fewest values cross within the last half of each.
  std::vector<StepSegment> segments_of(std::int64_t maximum, std::span<const std::int64_t> across,
                                       std::span<const bool> allowed) const {
    std::vector<StepSegment> segments;
    std::size_t begin = 0;
    while (begin < steps_.size()) {
      std::size_t best = steps_.size();
      for (std::size_t at = begin + 1; at < steps_.size(); ++at) {
        const std::int64_t inner = inner_size(begin, at);
        if (inner > maximum && best < steps_.size()) break;
        if (!allowed[at] || 2 * inner < maximum) continue;
        if (best == steps_.size() || across[at] <= across[best]) best = at;
      }
      segments.push_back({begin, best, true});
      begin = best;
    }
    segments.back().repeated = false;  // its gradients are taken at once
    return segments;
  }

  std::int64_t memory_of(std::span<const StepSegment> segments) const {
    std::int64_t largest = 0;
    for (const StepSegment& segment : segments) {
      largest = std::max(largest, inner_size(segment.begin, segment.end));
    }
    std::int64_t kept = 0;
    for (const MapUse& map : uses_) {
      const bool at_seam = std::ranges::any_of(
          segments.subspan(1), [&](const StepSegment& s) { return crosses(map, s.begin); });
      kept += at_seam ? map.size : 0;
    }
    return kept + largest;
  }

  std::vector<StepSegment> min_memory() const {
    std::vector<std::int64_t> across(steps_.size());
    const auto allowed = std::make_unique<bool[]>(steps_.size());
    for (std::size_t at = 0; at < steps_.size(); ++at) {
      across[at] = size_across(at);
      allowed[at] = may_cut(at);
    }
    std::vector<StepSegment> best = whole();
    const std::int64_t all = inner_size(0, steps_.size());
    constexpr std::int64_t kMaxSegments = 64;
    for (std::int64_t segments = 2; segments <= kMaxSegments; ++segments) {
      auto candidate = segments_of(all / segments, across, std::span(allowed.get(), steps_.size()));
      if (memory_of(candidate) < memory_of(best)) best = std::move(candidate);
    }
    return best;
  }

  std::span<const ForwardStep> steps_;
  std::vector<MapUse> uses_;  ///< by node
};

}  // namespace

MapRetention plan_retention(const graph::Graph& graph, std::span<const ForwardStep> steps,
                            bool recompute) {
  return Planner(graph, steps).plan(recompute);
}

}  // namespace retinaface::runtime
