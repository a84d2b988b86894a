#pragma once

namespace retinaface::runtime::cpu {

/// Makes the code of its scope, in this thread, use one core for OpenMP's parallel regions.
class OneCore {
 public:
  OneCore();
  ~OneCore();
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

 private:
  int before_;
};

}  // namespace retinaface::runtime::cpu
