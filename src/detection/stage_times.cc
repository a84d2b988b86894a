#include "detection/stage_times.h"

#include "base/check.h"

namespace retinaface::detection {
namespace {

thread_local StageTimes* recorded = nullptr;

}  // namespace

StageRecording::StageRecording(StageTimes& times) {
  RF_CHECK(recorded == nullptr);
  recorded = &times;
}

StageRecording::~StageRecording() {
  recorded = nullptr;
}

StageTimer::StageTimer(double StageTimes::*part) {
  if (recorded == nullptr) return;
  sum_ = &(recorded->*part);
  start_ = std::chrono::steady_clock::now();
}

StageTimer::~StageTimer() {
  if (sum_ == nullptr) return;
  *sum_ +=
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
}

}  // namespace retinaface::detection
