#pragma once

#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace retinaface {
inline namespace internal {

/// Starts `count` threads, each of which does `work(number)` with numbers from `first` on, or as
/// many as the system lets it start: the work must be such that fewer do all of it.
template <typename Work>
std::vector<std::jthread> start_threads(std::size_t count, std::size_t first, const Work& work) {
  std::vector<std::jthread> threads;
  threads.reserve(count);
  try {
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work, first + i);
  } catch (const std::system_error&) {
    return threads;
  }
  return threads;
}

}  // namespace internal
}  // namespace retinaface
