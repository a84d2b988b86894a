#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "retinaface/detector.h"

#include "tracking/motion.h"

namespace retinaface::tracking {

struct TrackerOptions {
  /// Faces from this score on begin tracks. Fainter ones only carry on a track that was there in
  /// the frame before.
  float min_score = DetectOptions::kDefaultMinScore;
  /// A face that was not seen for longer, and for more than three frames, is new when it is seen
  /// again.
  double longest_absence_s = 1;
};

/// Follows faces through the frames of one video. Each frame's faces are matched with where the
/// tracks should be by now (motion.h), in three steps, each with what the one before has left:
///   1. sure faces with all tracks, by IoU of at least 0.3 (SORT, Bewley et al. 2016);
///   2. faint faces with the tracks that were there in the frame before, by IoU of at least 0.5
///      (ByteTrack, Zhang et al. 2022): a face that turns away keeps its track;
///   3. sure faces with all tracks, by IoU of boxes twice as wide and high (C-BIoU, Yang et al.
///      2023): a face is small for its speed, above all where only every Nth frame is looked at.
/// What a sure face finds no track for begins one. Only boxes and scores count, no looks: a face
/// that comes back after a long absence or a cut is a new one.
class Tracker {
 public:
  explicit Tracker(const TrackerOptions& options = {});

  /// The number of each face's track, from 1 on and never given twice; 0 for a faint face that
  /// carries on none. `faces` are one frame's, in pixels; `time_s` is the frame's time. A time that
  /// is not after the last one counts as the same.
  std::vector<std::int64_t> update(std::span<const Face> faces, double time_s);

  /// Takes over a frame of which the tracks are known, to go on where an earlier run has stopped:
  /// `tracks` as update() gave them. Numbers given from now on are above `highest`.
  void resume(std::span<const Face> faces, std::span<const std::int64_t> tracks, double time_s,
              std::int64_t highest);

 private:
  struct Track {
    std::int64_t number;
    FaceMotion motion;
    double seen_s;
    int frames_since_seen = 0;
  };

  /// One of the steps: which faces and tracks take part and how alike they must be.
  struct Step;
  void match(const Step& step, std::span<const Face> faces, std::vector<int>& track_of,
             std::vector<bool>& is_found) const;
  void advance(double time_s);

  TrackerOptions options_;
  std::vector<Track> tracks_;
  std::int64_t last_number_ = 0;
  double time_s_ = 0;
};

}  // namespace retinaface::tracking
