#pragma once

#include <condition_variable>
#include <mutex>
#include <new>

#include <nanobind/nanobind.h>

namespace retinaface::python {

/// Keeps os.fork() and the library's work apart. A child has the forking thread alone: a lock that
/// another one holds at that moment stays locked there for ever. So a fork waits until the calls
/// under way have ended, and further ones wait until it is done.
class ForkGate {
 public:
  void enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return forks_ == 0; });
    ++calls_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    --calls_;
    changed_.notify_all();
  }
  void before_fork() {
    std::unique_lock lock(mutex_);
    ++forks_;
    changed_.wait(lock, [&] { return calls_ == 0; });
  }
  void after_fork() {
    const std::lock_guard lock(mutex_);
    --forks_;
    changed_.notify_all();
  }
  /// Of the child: who waited here is not there.
  void begin_anew() { new (this) ForkGate; }

  static ForkGate& get() {
    static ForkGate& gate = *new ForkGate;  // threads may outlast the module
    return gate;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
  int forks_ = 0;
};

/// The library's work on this thread: without the GIL, and not while the process forks.
class Working {
 public:
  Working() { ForkGate::get().enter(); }
  ~Working() { ForkGate::get().leave(); }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  nanobind::gil_scoped_release release_;  // first, and taken again last
};

}  // namespace retinaface::python
