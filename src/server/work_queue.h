#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/start_threads.h"

namespace retinaface::server {

/// Threads that do tasks in their order, of which only so many may wait.
class WorkQueue {
 public:
  using Task = std::function<void()>;

  /// `capacity` tasks may wait, beside those that the `threads` threads are at.
  /// Throws Error(kUnsupported) where the system lets it start no thread at all.
  WorkQueue(int threads, std::size_t capacity)
      : capacity_(capacity),
        threads_(
            start_threads(static_cast<std::size_t>(threads), 0, [this](std::size_t) { loop(); })) {
    if (threads_.empty()) {
      fail(ErrorCode::kUnsupported, "the system lets the process start no thread: raise its limit");
    }
  }

  /// Does what is waiting first.
  ~WorkQueue() {
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    changed_.notify_all();
  }

  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// False, and the task is left out, where none more may wait. A task must not throw.
  bool try_push(Task task) {
    {
      const std::lock_guard lock(mutex_);
      if (is_full_now()) return false;
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
    return true;
  }

  bool is_full() const {
    const std::lock_guard lock(mutex_);
    return is_full_now();
  }
  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return tasks_.size();
  }
  std::size_t working() const { return working_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t threads() const { return threads_.size(); }

 private:
  /// A task that an idle thread is about to take does not wait.
  bool is_full_now() const { return tasks_.size() >= capacity_ + idle_; }

  void loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      changed_.wait(lock, [this] { return is_closed_ || !tasks_.empty(); });
      --idle_;
      if (tasks_.empty()) return;
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      ++working_;
      lock.unlock();
      task();
      task = nullptr;  // what it holds is freed before the next one waits
      lock.lock();
      --working_;
    }
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::size_t idle_ = 0;
  std::atomic<std::size_t> working_ = 0;
  bool is_closed_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace retinaface::server
