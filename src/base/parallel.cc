#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "base/start_threads.h"

namespace retinaface {
inline namespace internal {

void for_each_item(int threads, std::size_t count,
                   const std::function<void(std::size_t item, std::size_t thread)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto loop = [&](std::size_t thread) {
    try {
      for (std::size_t item = next++; item < count; item = next++) work(item, thread);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    const std::size_t used = std::min(static_cast<std::size_t>(std::max(threads, 1)), count);
    const auto others = start_threads(used == 0 ? 0 : used - 1, 1, loop);
    loop(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace internal
}  // namespace retinaface
