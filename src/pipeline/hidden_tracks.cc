#include "pipeline/hidden_tracks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/check.h"
#include "geometry/box.h"

namespace retinaface::pipeline {
namespace {

struct Seen {
  double time_s;
  Box box;
};

/// The box at a time on the line through two sightings.
Box on_line(const Seen& a, const Seen& b, double time_s) {
  if (a.time_s == b.time_s) return a.box;
  const auto t = static_cast<float>((time_s - a.time_s) / (b.time_s - a.time_s));
  const auto mix = [&](float from, float to) { return from + t * (to - from); };
  return {mix(a.box.x0, b.box.x0), mix(a.box.y0, b.box.y0), mix(a.box.x1, b.box.x1),
          mix(a.box.y1, b.box.y1)};
}

/// The box moved as on the line, its size kept, and grown by what the way may be wrong.
Box beyond(const Seen& nearest, const Seen& farther, double time_s) {
  constexpr float kGrow = 0.15F;  // of each side
  const Point from = nearest.box.center();
  const Point to = on_line(nearest, farther, time_s).center();
  const float x = to.x - from.x;
  const float y = to.y - from.y;
  const Box box = grown(nearest.box, kGrow);
  return {box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y};
}

/// What is known of a track around a frame, in order of time.
struct Around {
  std::vector<Seen> before, after;
};

}  // namespace

void HiddenTracks::add(double time_s, bool starts_scene, std::vector<Sighting> sightings) {
  RF_CHECK(frames_.empty() || time_s >= frames_.back().time_s);
  if (starts_scene) ++scene_;
  frames_.push_back({time_s, scene_, std::move(sightings)});
}

void HiddenTracks::forget_before(std::size_t frame) {
  RF_CHECK(frame <= end());
  for (; first_ < frame; ++first_) frames_.pop_front();
}

std::vector<Box> HiddenTracks::unseen(std::size_t frame) const {
  const std::size_t here = frame - first_;
  const Frame& now = frames_.at(here);
  std::map<std::int64_t, Around> tracks;
  for (std::size_t i = 0; i < frames_.size(); ++i) {
    if (i == here || frames_[i].scene != now.scene) continue;
    for (const Sighting& sighting : frames_[i].sightings) {
      Around& around = tracks[sighting.track];
      (i < here ? around.before : around.after).push_back({frames_[i].time_s, sighting.box});
    }
  }
  for (const Sighting& sighting : now.sightings) tracks.erase(sighting.track);

  const auto is_near = [](const Seen& a, const Seen& b) {
    return std::abs(a.time_s - b.time_s) <= kMargin_s;
  };
  std::vector<Box> boxes;
  for (auto& [track, around] : tracks) {
    auto& [before, after] = around;
    if (!before.empty() && !after.empty()) {
      boxes.push_back(on_line(before.back(), after.front(), now.time_s));
      continue;
    }
    // The way is told best by what is farthest from the nearest sighting, within the margin.
    if (before.empty()) {
      std::ranges::reverse(after);
      before = std::move(after);
    }
    const Seen& nearest = before.back();
    if (std::abs(nearest.time_s - now.time_s) > kMargin_s) continue;
    const auto farthest =
        std::ranges::find_if(before, [&](const Seen& seen) { return is_near(seen, nearest); });
    boxes.push_back(beyond(nearest, *farthest, now.time_s));
  }
  return boxes;
}

}  // namespace retinaface::pipeline
