// Faces that move along known paths, with the jitter of a detector.

#include "tracking/tracker.h"

#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"
#include "tracking/motion.h"

namespace retinaface::tracking {
namespace {

using ::testing::ElementsAre;

constexpr double kStep_s = 1.0 / 25;

Face face_at(float x, float y, float size, float score = 0.9F) {
  return {score, {x - size / 2, y - size / 2, x + size / 2, y + size / 2}, {}};
}

/// Feeds frames and keeps which numbers each person has had.
class Video {
 public:
  explicit Video(double step_s = kStep_s) : step_s_(step_s) {}

  /// One frame: where each person is, if seen.
  void frame(const std::vector<std::optional<Face>>& people) {
    std::vector<Face> faces;
    std::vector<std::size_t> who;
    for (std::size_t i = 0; i < people.size(); ++i) {
      if (!people[i]) continue;
      faces.push_back(jittered(*people[i]));
      who.push_back(i);
    }
    const auto numbers = tracker_.update(faces, step_s_ * frame_++);
    ASSERT_EQ(numbers.size(), faces.size());
    for (std::size_t i = 0; i < faces.size(); ++i) numbers_[who[i]].insert(numbers[i]);
  }

  const std::set<std::int64_t>& of(std::size_t person) { return numbers_[person]; }

 private:
  Face jittered(Face face) {
    std::normal_distribution<float> shift(0, 0.03F * face.box.width());
    const float x = shift(random_), y = shift(random_), grow = shift(random_);
    face.box = {face.box.x0 + x - grow / 2, face.box.y0 + y - grow / 2, face.box.x1 + x + grow / 2,
                face.box.y1 + y + grow / 2};
    return face;
  }

  Tracker tracker_;
  std::mt19937 random_{3};
  double step_s_;
  int frame_ = 0;
  std::map<std::size_t, std::set<std::int64_t>> numbers_;
};

TEST(Tracker, KeepsNumbersOfFacesThatCross) {
  Video video;
  for (int i = 0; i < 100; ++i) {
    const auto t = static_cast<float>(i);
    // In opposite directions, at heights that let the boxes overlap by up to a half.
    video.frame({face_at(100 + 4 * t, 200, 60), face_at(500 - 4 * t, 230, 60)});
  }
  EXPECT_THAT(video.of(0), ElementsAre(1));
  EXPECT_THAT(video.of(1), ElementsAre(2));
}

TEST(Tracker, FindsAFaceAgainBehindWhatHidIt) {
  for (const int hidden : {1, 5, 15, 22}) {
    Video video;
    for (int i = 0; i < 80; ++i) {
      const auto t = static_cast<float>(i);
      const bool is_seen = i < 30 || i >= 30 + hidden;
      video.frame({is_seen ? std::optional(face_at(100 + 3 * t, 200 + t, 60)) : std::nullopt,
                   face_at(700, 200, 60)});
    }
    EXPECT_THAT(video.of(0), ElementsAre(1)) << hidden << " frames";
    EXPECT_THAT(video.of(1), ElementsAre(2));
  }
}

TEST(Tracker, CountsAFaceThatWasLongAwayAsNew) {
  Video video;
  for (int i = 0; i < 100; ++i) {
    video.frame({i < 30 || i > 60 ? std::optional(face_at(200, 200, 60)) : std::nullopt});
  }
  EXPECT_THAT(video.of(0), ElementsAre(1, 2));
}

TEST(Tracker, NumbersWhoEntersAndLeaves) {
  Video video;
  for (int i = 0; i < 200; ++i) {
    const auto t = static_cast<float>(i);
    std::vector<std::optional<Face>> people(5);
    // One after the other walks through, a second and a half after the one before.
    for (std::size_t p = 0; p < people.size(); ++p) {
      const float x = 6 * (t - 38 * static_cast<float>(p));
      if (x >= 0 && x < 640) people[p] = face_at(x, 240, 50);
    }
    video.frame(people);
  }
  for (std::size_t p = 0; p < 5; ++p) {
    EXPECT_THAT(video.of(p), ElementsAre(static_cast<std::int64_t>(p) + 1));
  }
}

TEST(Tracker, FollowsAFaceThatIsFasterThanItsBox) {
  // Every tenth frame of somebody who walks: more than one width of the face from frame to frame.
  Video video(10 * kStep_s);
  for (int i = 0; i < 10; ++i) {
    video.frame({face_at(50 + 70 * static_cast<float>(i), 240, 60)});
  }
  EXPECT_THAT(video.of(0), ElementsAre(1));
}

TEST(Tracker, CarriesATrackOnByFaintFacesButBeginsNone) {
  Tracker tracker;
  EXPECT_THAT(tracker.update(std::vector{face_at(100, 100, 50), face_at(300, 100, 50, 0.3F)}, 0),
              ElementsAre(1, 0));
  // Faint for longer than a face may be away, and moving.
  for (int i = 1; i < 60; ++i) {
    const auto t = static_cast<float>(i);
    EXPECT_THAT(tracker.update(std::vector{face_at(100 + t, 100, 50, 0.2F)}, kStep_s * i),
                ElementsAre(1));
  }
  EXPECT_THAT(tracker.update(std::vector{face_at(160, 100, 50)}, kStep_s * 60), ElementsAre(1));
}

TEST(Tracker, KeepsACrowdApart) {
  Video video;
  for (int i = 0; i < 60; ++i) {
    std::vector<std::optional<Face>> people;
    for (int p = 0; p < 200; ++p) {  // rows of faces that sway
      const auto phase = static_cast<float>(0.15 * i + p);
      people.push_back(face_at(static_cast<float>(p % 20) * 30 + 6 * std::sin(phase),
                               static_cast<float>(p / 20) * 40 + 3 * std::cos(phase), 22));
    }
    video.frame(people);
  }
  for (std::size_t p = 0; p < 200; ++p) EXPECT_EQ(video.of(p).size(), 1U) << p;
}

TEST(Tracker, GoesOnFromAnEarlierRun) {
  Tracker tracker;
  tracker.resume(std::vector{face_at(100, 100, 50)}, std::vector<std::int64_t>{7}, 3.0, 12);
  EXPECT_THAT(tracker.update(std::vector{face_at(300, 100, 50), face_at(103, 100, 50)}, 3.04),
              ElementsAre(13, 7));
}

TEST(Tracker, BearsTimesThatMakeNoSense) {
  Tracker tracker;
  const std::vector<Face> faces = {face_at(100, 100, 50)};
  for (const double time : {0.0, 5e8, -3.0, std::nan(""), 1e300, 0.0}) tracker.update(faces, time);
  EXPECT_EQ(tracker.update(faces, 0)[0], tracker.update(faces, 0)[0]);
}

TEST(FaceMotion, LearnsASteadySpeed) {
  FaceMotion motion({0, 0, 40, 50});
  for (int i = 1; i <= 50; ++i) {
    const auto x = static_cast<float>(2 * i);
    motion.predict(kStep_s);
    motion.update({x, -x, x + 40, 50 - x});
  }
  motion.predict(10 * kStep_s);  // unseen: goes on as before
  EXPECT_NEAR(motion.box().x0, 120, 1.5);
  EXPECT_NEAR(motion.box().y1, -70, 1.5);
  EXPECT_NEAR(motion.box().width(), 40, 0.5);
}

TEST(SteadyValue, WeighsTwoMeasurementsByTheirVariance) {
  // Without motion the filter is the mean weighted by 1 / variance: (10 / 4 + 20 / 1) / (1 / 4 +
  // 1).
  SteadyValue value(10, 2, 0);
  value.update(20, 1);
  EXPECT_NEAR(value.value(), 18, 1e-9);
  EXPECT_EQ(value.rate(), 0);
}

TEST(Tracker, RefusesWhatIsNoArgument) {
  const auto code_of = [](const TrackerOptions& options) {
    return testing::error_of([&] { Tracker{options}; }).code();
  };
  EXPECT_EQ(code_of({.min_score = -0.1F}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({.min_score = NAN}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({.max_absence_s = -1}), ErrorCode::kInvalidArgument);
  Tracker tracker;
  const std::vector<Face> faces = {face_at(50, 50, 20)};
  EXPECT_EQ(testing::error_of([&] { tracker.resume(faces, {}, 0, 0); }).code(),
            ErrorCode::kInvalidArgument);
  const std::vector<Face> nowhere = {face_at(50, 50, 20), face_at(NAN, 50, 20)};
  const Error error = testing::error_of([&] { tracker.update(nowhere, 0); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), ::testing::StartsWith("faces[1]"));
  Tracker moved = std::move(tracker);
  EXPECT_THAT(moved.update(faces, 0), ElementsAre(1));
}

}  // namespace
}  // namespace retinaface::tracking
