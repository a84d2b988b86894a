#include "evaluation/face_embedder.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/alignment.h"

#include "base/file.h"
#include "support/made_recognizer.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using ::testing::ElementsAre;

Face face_at(const Box& box) {
  Face face{.box = box};
  face.landmarks.fill({box.x0, box.y0});
  return face;
}

TEST(PlacedPoints, AreThoseOfTheFaceInTheMiddle) {
  const Image image(100, 60);
  const std::vector<Face> faces = {face_at({0, 0, 20, 20}), face_at({45, 20, 65, 40}),
                                   face_at({80, 40, 90, 50})};
  EXPECT_EQ(points_in_the_middle(faces, image)->at(0).x, 45);
  EXPECT_FALSE(points_in_the_middle({}, image));
}

TEST(PlacedPoints, AreThoseOfTheFaceThatOverlapsABox) {
  const std::vector<Face> faces = {face_at({0, 0, 20, 20}), face_at({2, 0, 22, 20})};
  EXPECT_EQ(points_in_box(faces, {3, 0, 23, 20})->at(0).x, 2);
  EXPECT_FALSE(points_in_box(faces, {19, 0, 39, 20}));  // 60 of 740 square pixels
  EXPECT_FALSE(points_in_box({}, {0, 0, 20, 20}));
}

TEST(PlacedPoints, OfAnAlignedFaceGrowWithItsImage) {
  const Landmarks points = points_of_aligned(Image(2 * kAlignedSide, kAlignedSide));
  EXPECT_FLOAT_EQ(points[2].x, 2 * kAlignedLandmarks[2].x);
  EXPECT_FLOAT_EQ(points[2].y, kAlignedLandmarks[2].y);
}

class FaceEmbedderTest : public ::testing::Test {
 protected:
  FaceEmbedderTest() { testing::write_made_recognizer(recognizer_); }

  testing::TemporaryFolder folder_;
  std::string recognizer_ = folder_ / "recognizer.safetensors";
  ImageFile image_ = {"hopper.jpg", read_file(testing::sample_folder() / "hopper.jpg")};
};

TEST_F(FaceEmbedderTest, TakesFromItsCacheWhatWasEmbeddedBefore) {
  const std::string cache = folder_ / "cache";
  const auto shifted = [](Landmarks points, std::size_t way) {
    for (Point& point : points) point.x += static_cast<float>(way);
    return points;
  };
  std::vector<Embedding> first;
  {
    FaceEmbedder embedder(recognizer_, cache, 1000);
    first = embedder.embed(image_, points_of_aligned, 2, shifted);
    EXPECT_EQ(embedder.kept(), 0U);
    EXPECT_EQ(embedder.computed(), 2U);
  }  // keeps them without being told to
  FaceEmbedder embedder(recognizer_, cache, 1000);
  EXPECT_EQ(embedder.embed(image_, points_of_aligned, 2, shifted), first);
  EXPECT_EQ(embedder.kept(), 2U);
  EXPECT_EQ(embedder.computed(), 0U);
  EXPECT_EQ(FaceEmbedder(recognizer_, {}, 0).embed(image_, points_of_aligned), first[0]);
}

TEST_F(FaceEmbedderTest, HasNothingWhereNoFaceIsFound) {
  FaceEmbedder embedder(recognizer_, {}, 0);
  const auto none = [](const Image&) -> std::optional<Landmarks> { return std::nullopt; };
  EXPECT_EQ(embedder.embed(image_, none), std::nullopt);
  EXPECT_FALSE(embedder.has_cache());
}

TEST_F(FaceEmbedderTest, TellsWhatKeepsItFromKeeping) {
  std::vector<std::string> problems;
  {
    FaceEmbedder embedder(recognizer_, folder_ / "missing/cache", 1000,
                          [&](const std::string& problem) { problems.push_back(problem); });
    embedder.embed(image_, points_of_aligned);
  }
  EXPECT_THAT(problems, ElementsAre(::testing::HasSubstr("missing/cache")));
}

TEST(ImagesInOrder, EndWhereTheyAreStopped) {
  std::atomic<bool> stop = false;
  std::vector<std::size_t> taken;
  const auto step = [](std::size_t i) { return i; };
  const auto take = [&](std::size_t i) {
    taken.push_back(i);
    stop = i == 2;
  };
  EXPECT_THROW(for_each_in_order({.threads = 1, .stop = &stop}, 5, step, take), Interrupted);
  EXPECT_THAT(taken, ElementsAre(0, 1, 2));
  stop = false;
  std::size_t told = 0;
  for_each_in_order({.threads = 1, .progress = [&](std::size_t done, std::size_t) { told = done; }},
                    2, step, [](std::size_t) {});
  EXPECT_EQ(told, 2U);
}

}  // namespace
}  // namespace retinaface::evaluation
