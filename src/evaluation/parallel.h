#pragma once

#include <cstddef>
#include <functional>

namespace retinaface::evaluation {

/// Calls `work(i)` for i = 0 ... count - 1, by `threads` threads (at least 1), in no given order.
/// `progress(done, count)` is called after each, by one thread at a time. What either throws ends
/// the work, and is thrown again here once all threads have stopped.
void for_each_in_parallel(std::size_t count, int threads,
                          const std::function<void(std::size_t)>& work,
                          const std::function<void(std::size_t, std::size_t)>& progress = {});

}  // namespace retinaface::evaluation
