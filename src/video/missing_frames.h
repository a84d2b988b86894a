#pragma once

#include <cstdint>

namespace retinaface::video {

/// Counts the frames that a transport stream lacks, by the times of those that it has: where these
/// come evenly, a step of several periods has lost the frames between. Packets of such streams are
/// counted by 16 only, so that the loss of 16 is seen in nothing else.
class MissingFrames {
 public:
  /// A frame's time, in any unit, in the order of decoding. `longest_step`: a longer one is a cut,
  /// or another clock, as is one that goes back.
  void add(std::int64_t time, double longest_step);

  std::int64_t count() const { return count_; }

 private:
  /// So many equal steps tell that frames come evenly.
  static constexpr int kSteps = 6;

  bool has_last_ = false;
  std::int64_t last_ = 0;
  std::int64_t step_ = 0;  ///< the last one that was no gap
  int steps_ = 0;          ///< of this length, in a row
  std::int64_t count_ = 0;
};

}  // namespace retinaface::video
