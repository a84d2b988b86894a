#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "retinaface/geometry.h"

namespace retinaface::pipeline {

/// Where the faces of a blurred video have to be hidden in frames in which they were not seen: with
/// the frames after a frame known as well, a track that was seen before and after it stands
/// between, and one that is just beginning or has just ended was there already, or is still.
class HiddenTracks {
 public:
  struct Sighting {
    std::int64_t track = 0;
    Box box;
  };

  /// A track is hidden for this long before it was first seen, and after it was last.
  static constexpr double kMargin_s = 0.4;

  /// Appends a frame; their times must not fall. Tracks do not go on over the start of a scene.
  void add(double time_s, bool starts_scene, std::vector<Sighting> sightings);

  /// Frames that are known, by their places: from first() up to end().
  std::size_t first() const { return first_; }
  std::size_t end() const { return first_ + frames_.size(); }
  double time_s(std::size_t frame) const { return frames_.at(frame - first_).time_s; }

  /// The boxes of the tracks that were not seen in a frame and have to be hidden there, from the
  /// frames that are known.
  std::vector<Box> unseen(std::size_t frame) const;

  /// Forgets the frames before this one.
  void forget_before(std::size_t frame);

 private:
  struct Frame {
    double time_s;
    int scene;
    std::vector<Sighting> sightings;
  };

  std::deque<Frame> frames_;
  std::size_t first_ = 0;
  int scene_ = 0;
};

}  // namespace retinaface::pipeline
