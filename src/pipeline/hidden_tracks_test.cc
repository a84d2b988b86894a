#include "pipeline/hidden_tracks.h"

#include <gmock/gmock.h>

#include "geometry/box.h"

namespace retinaface::pipeline {
namespace {

Box box_at(float x) {
  return {x, 100, x + 40, 150};
}

/// Frames at 10 a second; a face that moves by 10 px a frame is seen in those of `seen`.
HiddenTracks tracks_seen_in(int frames, const std::vector<int>& seen, int cut_at = -1) {
  HiddenTracks tracks;
  for (int i = 0; i < frames; ++i) {
    const bool is_seen = std::ranges::find(seen, i) != seen.end();
    std::vector<HiddenTracks::Sighting> sightings;
    if (is_seen) sightings.push_back({7, box_at(10 * static_cast<float>(i))});
    tracks.add(i / 10.0, i == cut_at, sightings);
  }
  return tracks;
}

TEST(HiddenTracks, InterpolateBetweenSightings) {
  const HiddenTracks tracks = tracks_seen_in(12, {0, 1, 6, 11});
  for (const int frame : {2, 3, 4, 5, 7, 8, 9, 10}) {
    const auto boxes = tracks.unseen(static_cast<std::size_t>(frame));
    ASSERT_EQ(boxes.size(), 1U) << frame;
    EXPECT_NEAR(boxes[0].x0, 10 * frame, 1e-3F) << frame;
    EXPECT_NEAR(boxes[0].y1, 150, 1e-3F);
  }
  for (const int frame : {0, 1, 6, 11}) {
    EXPECT_TRUE(tracks.unseen(static_cast<std::size_t>(frame)).empty()) << frame;
  }
}

TEST(HiddenTracks, CoverBeforeTheFirstSightingAndAfterTheLast) {
  const HiddenTracks tracks = tracks_seen_in(20, {8, 9, 10, 11});
  for (int frame = 0; frame < 20; ++frame) {
    const auto boxes = tracks.unseen(static_cast<std::size_t>(frame));
    const bool is_covered = (frame >= 4 && frame < 8) || (frame > 11 && frame <= 15);
    ASSERT_EQ(boxes.size(), is_covered ? 1U : 0U) << frame;
    if (!is_covered) continue;
    const Box expected = box_at(10 * static_cast<float>(frame));  // on its way
    EXPECT_NEAR(boxes[0].center().x, expected.center().x, 1e-3F) << frame;
    EXPECT_GT(boxes[0].width(), expected.width());
  }
}

TEST(HiddenTracks, EndAtCuts) {
  const HiddenTracks tracks = tracks_seen_in(20, {8, 9, 10}, 8);
  for (std::size_t frame = 0; frame < 8; ++frame) EXPECT_TRUE(tracks.unseen(frame).empty());
  EXPECT_EQ(tracks.unseen(11).size(), 1U);
}

TEST(HiddenTracks, KeepTheirPlacesWhenTheyForget) {
  HiddenTracks tracks = tracks_seen_in(12, {0, 1, 6, 11});
  tracks.forget_before(1);
  EXPECT_EQ(tracks.first(), 1U);
  EXPECT_EQ(tracks.end(), 12U);
  EXPECT_EQ(tracks.unseen(3).size(), 1U);
  EXPECT_EQ(tracks.time_s(3), 0.3);
}

}  // namespace
}  // namespace retinaface::pipeline
