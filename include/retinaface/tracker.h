#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "retinaface/array_view.h"
#include "retinaface/detector.h"
#include "retinaface/export.h"
#include "retinaface/face.h"

namespace retinaface {

/// Which faces are followed, and for how long.
struct TrackerOptions {
  /// Faces from this score on begin tracks. Fainter ones only carry on a track that was there in
  /// the frame before: detect with a lower min_score, 0.1 for example, so that there are some. In
  /// [0, 1].
  float min_score = DetectOptions::kDefaultMinScore;
  /// A face that was not seen for longer, and for more than three frames, is new when it is seen
  /// again. 0 or more.
  double max_absence_s = 1;
};

/// Follows faces through the frames of one video. Each frame's faces are matched with where the
/// tracks should be by now, in three steps, each with what the one before has left:
///   1. sure faces with all tracks, by IoU of at least 0.3 (SORT, Bewley et al. 2016);
///   2. faint faces with the tracks that were there in the frame before, by IoU of at least 0.5
///      (ByteTrack, Zhang et al. 2022): a face that turns away keeps its track;
///   3. sure faces with all tracks, by IoU of boxes twice as wide and high (C-BIoU, Yang et al.
///      2023): a face is small for its speed, above all where only every Nth frame is looked at.
/// What a sure face finds no track for begins one. Only boxes and scores count, not what a face
/// looks like: one that comes back after a long absence or a cut is a new one. One tracker is for
/// one thread at a time.
class RETINAFACE_API Tracker {
 public:
  /// Throws Error(kInvalidArgument) for an option outside its range.
  explicit Tracker(const TrackerOptions& options = {});
  ~Tracker();
  Tracker(Tracker&&) noexcept;
  Tracker& operator=(Tracker&&) noexcept;

  /// The number of each face's track, from 1 on and never given twice; 0 for a faint face that
  /// carries on none. `faces` are one frame's, in pixels; `time_s` is the frame's time in seconds.
  /// A time that is not after the last one counts as the same. Throws Error(kInvalidArgument) for
  /// boxes or scores that are no finite numbers.
  std::vector<std::int64_t> update(ArrayView<Face> faces, double time_s);

  /// Takes over a frame of which the tracks are known, to go on where an earlier run has stopped:
  /// `tracks` as update() gave them. Numbers given from now on are above `highest`. Throws
  /// Error(kInvalidArgument) where there are not as many tracks as faces.
  void resume(ArrayView<Face> faces, ArrayView<std::int64_t> tracks, double time_s,
              std::int64_t highest);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace retinaface
