#include "evaluation/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace retinaface::evaluation {

void for_each_in_parallel(std::size_t count, int threads,
                          const std::function<void(std::size_t)>& work,
                          const std::function<void(std::size_t, std::size_t)>& progress) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::size_t done = 0;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      for (std::size_t i = 0; (i = next++) < count;) {
        work(i);
        const std::lock_guard lock(mutex);
        ++done;
        if (progress) progress(done, count);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      next = count;
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    const std::size_t wanted = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
    for (std::size_t i = 1; i < wanted; ++i) others.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace retinaface::evaluation
