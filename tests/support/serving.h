#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace retinaface::testing {

/// A `retinaface serve` that runs on a free port of this machine until the object is gone.
class Serving {
 public:
  /// `program`: its file; `options`: beside --port. Throws std::runtime_error where it does not
  /// begin to listen.
  explicit Serving(const std::string& program, const std::vector<std::string>& options = {});
  ~Serving();
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  std::uint16_t port() const { return port_; }
  const std::string& url() const { return url_; }

  /// SIGTERM, or another signal.
  void signal(int number = 15) const;
  /// Waits for its end; the exit code, or 128 and the signal.
  int wait();

 private:
  pid_t process_ = -1;
  std::string url_;
  std::uint16_t port_ = 0;
};

}  // namespace retinaface::testing
