#include "pipeline/video_tracks.h"

#include <algorithm>

namespace retinaface::pipeline {

VideoTracks::VideoTracks(const DetectionJob& job, const VideoDone* left)
    : job_(job), tracker_(new_tracker()), hidden_tracker_(new_tracker()) {
  if (left == nullptr) return;
  tracker_.resume(left->faces, left->tracks, left->last.time_s, left->highest_track);
  highest_track_ = left->highest_track;
}

tracking::Tracker VideoTracks::new_tracker() const {
  return tracking::Tracker({.min_score = job_.detect.min_score});
}

VideoTracks::Frame VideoTracks::follow(const DetectedFaces& detection, double time_s,
                                       const std::optional<SceneSignature>& scene) {
  Frame frame;
  frame.starts_scene = scene_ && scene && scene_->is_cut_to(*scene);
  scene_ = scene;
  if (frame.starts_scene) {
    // Their numbers go on from those that there have been.
    tracker_ = new_tracker();
    hidden_tracker_ = new_tracker();
    tracker_.resume({}, {}, time_s, highest_track_);
  }
  const std::vector<std::int64_t> tracks = tracker_.update(detection.found, time_s);
  for (const std::size_t i : detection.wanted) frame.tracks.push_back(tracks[i]);
  for (const std::int64_t track : tracks) highest_track_ = std::max(highest_track_, track);
  if (!job_.images.blur) return frame;
  const std::vector<std::int64_t> hidden = hidden_tracker_.update(detection.hidden, time_s);
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    if (hidden[i] > 0) frame.sightings.push_back({hidden[i], detection.hidden[i].box});
  }
  return frame;
}

VideoTracks::Frame VideoTracks::number(const DetectedFaces& detection) {
  Frame frame;
  for ([[maybe_unused]] const std::size_t i : detection.wanted) {
    frame.tracks.push_back(++highest_track_);
  }
  return frame;
}

}  // namespace retinaface::pipeline
