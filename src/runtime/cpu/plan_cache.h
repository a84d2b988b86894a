#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/weights.h"
#include "runtime/cpu/byte_lowering.h"
#include "runtime/cpu/plan.h"
#include "runtime/cpu/schedule.h"
#include "runtime/cpu/weight_store.h"
#include "runtime/lowering.h"

namespace retinaface::runtime::cpu {

/// A network ready for images of any size, and the plans for the sizes used last. Safe for several
/// threads.
class PlanCache {
 public:
  /// `type` as make_schedule takes it.
  PlanCache(const graph::Graph& graph, const graph::Weights& weights,
            graph::DataType type = graph::DataType::kFloat32);
  /// On bytes, where the calibration lets it.
  PlanCache(const graph::Graph& graph, const graph::Weights& weights,
            const graph::Calibration& calibration);
  /// The graph as it was lowered; floats alone.
  /// Of `cached_floats` see make_plan.
  explicit PlanCache(LoweredGraph lowered, graph::DataType type = graph::DataType::kFloat32,
                     std::int64_t cached_floats = kCachedFloats);

  /// The plan for images of this size, of pixels or floats. Throws as make_plan does.
  std::shared_ptr<const Plan> plan(std::int64_t height, std::int64_t width,
                                   bool reads_pixels = false) const;

  /// As cpu::reads_pixels of the network's schedule.
  bool reads_pixels(std::span<const float> mean) const {
    return cpu::reads_pixels(schedule_, mean);
  }

 private:
  static constexpr std::size_t kMaxPlans = 8;

  /// The same of a caller that holds the lock.
  std::shared_ptr<const Plan> look_up(std::int64_t height, std::int64_t width,
                                      bool reads_pixels) const;
  std::shared_ptr<const Plan> find_plan(std::int64_t height, std::int64_t width,
                                        bool reads_pixels) const;

  LoweredGraph lowered_;
  ByteCodes codes_;
  std::vector<Task> schedule_;
  std::int64_t cached_floats_ = kCachedFloats;
  mutable WeightStore weights_;
  mutable std::mutex mutex_;
  mutable std::list<std::shared_ptr<const Plan>> plans_;  // the one used last first
};

}  // namespace retinaface::runtime::cpu
