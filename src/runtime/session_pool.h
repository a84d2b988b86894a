#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/runtime.h"

namespace retinaface::runtime {

/// A network, and the sessions of it that nobody is using; grows to the number of threads that run
/// it at once. Safe for several threads.
class SessionPool {
 public:
  explicit SessionPool(std::unique_ptr<const Network> network) : network_(std::move(network)) {}

  const Network& network() const { return *network_; }

 private:
  friend class SessionLease;

  std::unique_ptr<Session> take() {
    const std::lock_guard lock(mutex_);
    if (sessions_.empty()) {
      std::unique_ptr<Session> session = network_->new_session();
      sessions_.reserve(++made_);  // so that giving it back cannot fail
      return session;
    }
    std::unique_ptr<Session> session = std::move(sessions_.back());
    sessions_.pop_back();
    return session;
  }

  void give_back(std::unique_ptr<Session> session) noexcept {
    const std::lock_guard lock(mutex_);
    sessions_.push_back(std::move(session));
  }

  std::unique_ptr<const Network> network_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::size_t made_ = 0;
};

/// One of a pool's sessions for the time of a scope.
class SessionLease {
 public:
  explicit SessionLease(SessionPool& pool) : pool_(pool), session_(pool.take()) {}
  ~SessionLease() { pool_.give_back(std::move(session_)); }
  SessionLease(const SessionLease&) = delete;
  SessionLease& operator=(const SessionLease&) = delete;

  Session& operator*() const { return *session_; }
  Session* operator->() const { return session_.get(); }

 private:
  SessionPool& pool_;
  std::unique_ptr<Session> session_;
};

}  // namespace retinaface::runtime
