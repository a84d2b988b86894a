#include "runtime/cpu/plan_cache.h"

#include <algorithm>

#include "runtime/cpu/library.h"
#include "runtime/cpu/schedule.h"

namespace retinaface::runtime::cpu {

PlanCache::PlanCache(const graph::Graph& graph, const graph::Weights& weights)
    : program_(lower(graph, weights,
                     {.block = channel_block(), .add_upsampled = own_kernels() != nullptr})),
      schedule_(make_schedule(program_)) {}

std::shared_ptr<const Plan> PlanCache::plan(std::int64_t height, std::int64_t width) const {
  if (auto found = find_plan(height, width)) return found;
  // Made outside the lock: threads with other sizes go on. Two threads may make the same plan.
  auto made = make_plan(program_, schedule_, weights_, height, width);
  const std::lock_guard lock(mutex_);
  plans_.push_front(made);
  if (plans_.size() > kMaxPlans) plans_.pop_back();
  return made;
}

std::shared_ptr<const Plan> PlanCache::find_plan(std::int64_t height, std::int64_t width) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      plans_, [&](const auto& plan) { return plan->height == height && plan->width == width; });
  if (found == plans_.end()) return nullptr;
  plans_.splice(plans_.begin(), plans_, found);
  return plans_.front();
}

}  // namespace retinaface::runtime::cpu
