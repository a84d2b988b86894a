#include "runtime/arena.h"

#include <algorithm>
#include <numeric>

namespace retinaface::runtime {

ArenaPlan plan_arena(const std::vector<Lifetime>& pieces) {
  std::vector<std::size_t> by_size(pieces.size());
  std::iota(by_size.begin(), by_size.end(), 0U);
  std::ranges::stable_sort(by_size, std::greater(), [&](std::size_t i) { return pieces[i].bytes; });

  const auto aligned = [](std::size_t bytes) {
    return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  };
  ArenaPlan plan{std::vector<std::size_t>(pieces.size()), 0};
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t i : by_size) {
    const std::size_t bytes = aligned(pieces[i].bytes);
    std::size_t offset = 0;
    for (const std::size_t j : placed) {
      const bool together = pieces[i].first <= pieces[j].last && pieces[j].first <= pieces[i].last;
      if (!together) continue;
      if (offset + bytes <= plan.offsets[j]) break;
      offset = std::max(offset, plan.offsets[j] + aligned(pieces[j].bytes));
    }
    plan.offsets[i] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    placed.insert(std::ranges::upper_bound(placed, offset, {},
                                           [&](std::size_t j) { return plan.offsets[j]; }),
                  i);
  }
  return plan;
}

}  // namespace retinaface::runtime
