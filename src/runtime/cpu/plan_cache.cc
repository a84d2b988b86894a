#include "runtime/cpu/plan_cache.h"

#include <algorithm>
#include <utility>

#include "runtime/cpu/library.h"
#include "runtime/cpu/schedule.h"

namespace retinaface::runtime::cpu {

namespace {

LoweredGraph lowered_for_kernels(const graph::Graph& graph, const graph::Weights& weights) {
  return lower(graph, weights,
               {.block = channel_block(), .add_upsampled = own_kernels() != nullptr});
}

}  // namespace

PlanCache::PlanCache(const graph::Graph& graph, const graph::Weights& weights, graph::DataType type)
    : PlanCache(lowered_for_kernels(graph, weights), type) {}

PlanCache::PlanCache(const graph::Graph& graph, const graph::Weights& weights,
                     const graph::Calibration& calibration)
    : lowered_(lowered_for_kernels(graph, weights)),
      codes_(lower_to_bytes(lowered_, calibration)),
      schedule_(make_schedule(lowered_, codes_)) {}

PlanCache::PlanCache(LoweredGraph lowered, graph::DataType type, std::int64_t cached_floats)
    : lowered_(std::move(lowered)),
      schedule_(make_schedule(lowered_, {}, type)),
      cached_floats_(cached_floats) {}

std::shared_ptr<const Plan> PlanCache::plan(std::int64_t height, std::int64_t width,
                                            bool reads_pixels) const {
  if (auto found = find_plan(height, width, reads_pixels)) return found;
  // Made outside the lock: threads with other sizes go on. Two threads may make the same plan.
  auto made = make_plan(lowered_, schedule_, weights_, height, width, reads_pixels, cached_floats_);
  const std::lock_guard lock(mutex_);
  if (auto found = look_up(height, width, reads_pixels)) return found;
  plans_.push_front(made);
  if (plans_.size() > kMaxPlans) plans_.pop_back();
  return made;
}

std::shared_ptr<const Plan> PlanCache::find_plan(std::int64_t height, std::int64_t width,
                                                 bool reads_pixels) const {
  const std::lock_guard lock(mutex_);
  return look_up(height, width, reads_pixels);
}

std::shared_ptr<const Plan> PlanCache::look_up(std::int64_t height, std::int64_t width,
                                               bool reads_pixels) const {
  const auto found = std::ranges::find_if(plans_, [&](const auto& plan) {
    return plan->height == height && plan->width == width && plan->reads_pixels == reads_pixels;
  });
  if (found == plans_.end()) return nullptr;
  plans_.splice(plans_.begin(), plans_, found);
  return plans_.front();
}

}  // namespace retinaface::runtime::cpu
