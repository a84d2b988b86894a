#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/cpu.h"
#include "base/ordered_pipeline.h"

namespace retinaface {
inline namespace internal {

/// The results of work(0) to work(count - 1), in order, worked on by up to `threads` threads at
/// once (0: one for each core). Throws Error(kInvalidArgument) for a negative number of them, and
/// what work throws, for one of the items that fail, with its place in the message: "NAME[4]: ...".
template <typename Work>
auto run_batch(const char* name, std::size_t count, int threads, const Work& work) {
  if (threads < 0) {
    fail(ErrorCode::kInvalidArgument, "threads: expected 0 or more, found {}", threads);
  }
  using Result = decltype(work(count));
  std::vector<Result> results;
  run_over(
      thread_count(threads), count,
      [&](std::size_t i) {
        try {
          return work(i);
        } catch (const Error& error) {
          fail(error.code(), "{}[{}]: {}", name, i, error.what());
        }
      },
      [&](Result result) { results.push_back(std::move(result)); });
  return results;
}

}  // namespace internal
}  // namespace retinaface
