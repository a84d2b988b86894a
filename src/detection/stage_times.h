#pragma once

#include <chrono>

namespace retinaface::detection {

/// How long the parts of detection took, in milliseconds by the clock.
struct StageTimes {
  double resize_ms = 0;    ///< images and crops at other sizes
  double prepare_ms = 0;   ///< pixels as the network takes them
  double forward_ms = 0;   ///< the network
  double decode_ms = 0;    ///< its outputs as faces and candidates
  double suppress_ms = 0;  ///< sorting and non-maximum suppression
};

/// While it lives, what the calling thread detects is added to `times`. For measurements; one at a
/// time in a thread.
class StageRecording {
 public:
  explicit StageRecording(StageTimes& times);
  ~StageRecording();
  StageRecording(const StageRecording&) = delete;
  StageRecording& operator=(const StageRecording&) = delete;
};

/// Adds the time of its scope to one part, where the thread records.
class StageTimer {
 public:
  explicit StageTimer(double StageTimes::*part);
  ~StageTimer();
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  double* sum_ = nullptr;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace retinaface::detection
