#pragma once

#include <ctime>

namespace retinaface {
inline namespace internal {

/// What this thread has had of the processor so far, in milliseconds. By the clock, the turns of
/// other programs would count as well.
inline double thread_cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

}  // namespace internal
}  // namespace retinaface
