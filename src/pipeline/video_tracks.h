#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/detect_faces.h"
#include "pipeline/detection_job.h"
#include "pipeline/hidden_tracks.h"
#include "pipeline/result_file.h"
#include "pipeline/scene_signature.h"
#include "tracking/tracker.h"

namespace retinaface::pipeline {

/// Follows the faces of one video from frame to frame.
class VideoTracks {
 public:
  /// What the faces of a frame are known by.
  struct Frame {
    std::vector<std::int64_t> tracks;               ///< of those that are wanted
    std::vector<HiddenTracks::Sighting> sightings;  ///< of what is hidden, faint faces too
    bool starts_scene = false;                      ///< tracks do not go on from the frame before
  };

  /// `left` is what an earlier run has done of the video, null: nothing. The job must outlive it.
  VideoTracks(const DetectionJob& job, const VideoDone* left);

  /// Takes the next frame; `scene` is its signature, by which cuts are told.
  Frame follow(const DetectedFaces& detection, double time_s,
               const std::optional<SceneSignature>& scene);

  /// The same for pages, on which nobody moves from one to the next: each face has a number of its
  /// own.
  Frame number(const DetectedFaces& detection);

 private:
  tracking::Tracker new_tracker() const;

  const DetectionJob& job_;
  tracking::Tracker tracker_;
  tracking::Tracker hidden_tracker_;  ///< of what is hidden, with tracks of its own
  std::int64_t highest_track_ = 0;
  std::optional<SceneSignature> scene_;  ///< of the frame before
};

}  // namespace retinaface::pipeline
