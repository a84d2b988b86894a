#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace retinaface {
inline namespace internal {

/// Makes a stream of items on a thread of its own, up to `room` of them ahead of who takes them.
template <typename Item>
class ReadAhead {
 public:
  /// `make` returns the next item, or nothing at the end; it is called on the new thread alone, the
  /// first time at once.
  ReadAhead(std::size_t room, std::function<std::optional<Item>()> make)
      : room_(room), make_(std::move(make)), thread_([this] { work(); }) {}

  /// Waits for a call of `make` that is under way, and makes no more.
  ~ReadAhead() {
    {
      const std::lock_guard lock(mutex_);
      is_given_up_ = true;
    }
    changed_.notify_all();
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// The next item, which is waited for; nothing at the end. What `make` has thrown is thrown here,
  /// once, after the items before it.
  std::optional<Item> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !items_.empty() || at_end_; });
    if (items_.empty()) {
      if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
      return std::nullopt;
    }
    std::optional<Item> item(std::move(items_.front()));
    items_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return item;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    try {
      while (true) {
        changed_.wait(lock, [&] { return is_given_up_ || items_.size() < room_; });
        if (is_given_up_) break;
        lock.unlock();
        std::optional<Item> item = make_();
        lock.lock();
        if (!item) break;
        items_.push_back(std::move(*item));
        changed_.notify_all();
      }
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      failure_ = std::current_exception();
    }
    at_end_ = true;
    changed_.notify_all();
  }

  const std::size_t room_;
  const std::function<std::optional<Item>()> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  bool at_end_ = false;
  bool is_given_up_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace internal
}  // namespace retinaface
