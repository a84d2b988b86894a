#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/start_threads.h"

namespace retinaface {
inline namespace internal {

/// Works on a stream of items by several threads and hands the results on in the items' order.
///
///   next()          -> std::optional<Item>, nothing at the end; called by one thread at a time
///   work(Item)      -> Result; called by up to `threads` threads at once
///   emit(Result)       called in the order of the items, by one thread at a time
///
/// No more than a few items a thread are under way at any moment, however long the stream. What
/// any of the three throws ends the work and is thrown again here, after the items before it were
/// emitted as far as they were done. With one thread everything happens on the caller's.
template <typename Next, typename Work, typename Emit>
void run_in_order(int threads, Next next, Work work, Emit emit) {
  using Item = typename std::invoke_result_t<Next>::value_type;
  using Result = std::invoke_result_t<Work, Item>;

  if (threads <= 1) {
    while (std::optional<Item> item = next()) emit(work(std::move(*item)));
    return;
  }

  const std::uint64_t window = 4 * static_cast<std::uint64_t>(threads);
  std::mutex source;  // who takes the next item; it may be long in coming, from a camera
  std::mutex mutex;   // all below
  std::condition_variable room;
  std::map<std::uint64_t, Result> waiting;  // done, not emitted
  std::uint64_t taken = 0;
  std::uint64_t emitted = 0;
  bool at_end = false;
  bool emitting = false;
  std::exception_ptr failure;

  const auto loop = [&] {
    std::unique_lock lock(mutex, std::defer_lock);
    try {
      while (true) {
        std::unique_lock taking(source);
        lock.lock();
        room.wait(lock, [&] { return at_end || taken < emitted + window; });
        if (at_end) return;
        lock.unlock();
        std::optional<Item> item = next();
        lock.lock();
        if (!item || at_end) {
          at_end = true;
          room.notify_all();
          return;
        }
        const std::uint64_t number = taken++;
        lock.unlock();
        taking.unlock();
        Result result = work(std::move(*item));
        lock.lock();
        waiting.emplace(number, std::move(result));
        if (emitting) {
          lock.unlock();
          continue;
        }
        emitting = true;
        for (auto first = waiting.begin(); first != waiting.end() && first->first == emitted;
             first = waiting.begin()) {
          auto node = waiting.extract(first);
          lock.unlock();
          emit(std::move(node.mapped()));
          lock.lock();
          ++emitted;
          room.notify_all();
        }
        emitting = false;
        lock.unlock();
      }
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      if (!failure) failure = std::current_exception();
      at_end = true;
      room.notify_all();
    }
  };
  {
    const auto others =
        start_threads(static_cast<std::size_t>(threads - 1), 1, [&](std::size_t) { loop(); });
    loop();
  }
  if (failure) std::rethrow_exception(failure);
}

/// The same for the numbers from 0 to below `count`: work(number) -> Result, emit(Result) in order.
template <typename Work, typename Emit>
void run_over(int threads, std::size_t count, Work work, Emit emit) {
  std::size_t number = 0;
  const auto next = [&] { return number < count ? std::optional(number++) : std::nullopt; };
  const auto used = std::min(static_cast<std::size_t>(std::max(threads, 1)), count);
  run_in_order(static_cast<int>(used), next, std::move(work), std::move(emit));
}

}  // namespace internal
}  // namespace retinaface
