#include "pipeline/detect_faces.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/blur.h"

#include "base/file.h"
#include "geometry/box.h"
#include "image/codecs/decoded_image.h"
#include "image/convert.h"
#include "pipeline/image_outputs.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

TEST(DetectFaces, FindsFaintFacesInFramesOnly) {
  const Image image = read_image(testing::sample_folder() / "crowd.webp");
  const Detector detector;
  const DetectOptions options = {.min_score = 0.9F};
  const DetectedFaces still = detect_faces(detector, options, image, "crowd");
  const DetectedFaces frame =
      detect_faces(detector, options, image, "crowd", video::FrameStamp{3, 0.12});
  ASSERT_FALSE(still.found.empty());
  EXPECT_GE(still.found.back().score, 0.9F);
  EXPECT_LT(frame.found.back().score, 0.9F);
  ASSERT_FALSE(frame.result.faces.empty());
  EXPECT_GE(frame.result.faces.back().score, 0.9F);
  EXPECT_EQ(frame.wanted.size(), frame.result.faces.size());
  EXPECT_EQ(frame.result.frame->number, 3);
}

TEST(DetectFaces, FindsAllFacesOfAFrameWhicheverAreWanted) {
  const Image image = read_image(testing::sample_folder() / "crowd.webp");
  const Detector detector;
  const video::FrameStamp stamp{3, 0.12};
  const DetectedFaces all = detect_faces(detector, DetectOptions(), image, "crowd", stamp);
  const DetectedFaces few = detect_faces(
      detector, DetectOptions{.max_faces = 2, .min_size_px = 30, .clip_to_image = true}, image,
      "crowd", stamp);
  EXPECT_EQ(few.result.faces.size(), 2U);
  ASSERT_EQ(few.found.size(), all.found.size());
  for (std::size_t i = 0; i < all.found.size(); ++i) EXPECT_EQ(few.found[i].box, all.found[i].box);
}

TEST(DetectFaces, WorksOnNoMoreFacesOfAnImageThanAreWanted) {
  const Image image = read_image(testing::sample_folder() / "crowd.webp");
  const Detector detector;
  for (const bool clip : {false, true}) {
    const DetectOptions options = {.max_faces = 2, .clip_to_image = clip};
    EXPECT_EQ(detect_faces(detector, options, image, "crowd").found.size(), 2U);
  }
}

TEST(DetectFaces, FindsTheSameInReducedImages) {
  const Detector detector;
  const DetectOptions options = {.min_score = 0.6F, .scales = {0.25F}, .min_size_px = 40};
  const int reduction = reduction_for(options);
  ASSERT_EQ(reduction, 4);
  for (const char* name : {"portrait.jpg", "turned.jpg"}) {
    SCOPED_TRACE(name);
    const std::vector<std::byte> content = read_file(testing::sample_folder() / name);
    const Image whole = decode_image(content);
    const DecodedImage reduced = decode_image(content, {}, name, reduction);
    ASSERT_LT(reduced.image.width(), whole.width() / 3);
    const ImageResult expected = detect_faces(detector, options, whole, name).result;
    const ImageResult found =
        detect_faces(detector, options, SeenImage(reduced.image, reduced), name).result;
    EXPECT_EQ(found.width, whole.width());
    EXPECT_EQ(found.height, whole.height());
    ASSERT_EQ(expected.faces.size(), 1U);
    ASSERT_EQ(found.faces.size(), 1U);
    const Box& box = expected.faces[0].box;
    EXPECT_GT(iou(box, found.faces[0].box), 0.95F);
    for (std::size_t i = 0; i < expected.faces[0].landmarks.size(); ++i) {
      EXPECT_NEAR(found.faces[0].landmarks[i].x, expected.faces[0].landmarks[i].x,
                  0.02F * box.width());
      EXPECT_NEAR(found.faces[0].landmarks[i].y, expected.faces[0].landmarks[i].y,
                  0.02F * box.width());
    }
  }
}

TEST(DetectFaces, ReducesWhereTheScalesLeaveAsLittle) {
  EXPECT_EQ(reduction_for({}), 1);
  EXPECT_EQ(reduction_for({.scales = {0.5F, 0.1F}}), 2);
  EXPECT_EQ(reduction_for({.scales = {0.51F}}), 1);
  EXPECT_EQ(reduction_for({.scales = {0.125F}}), 8);
  EXPECT_EQ(reduction_for({.scales = {0.01F}}), 8);
  EXPECT_EQ(reduction_for({.scales = {0.25F}, .mesh = true}), 1);
  EXPECT_EQ(reduction_for({.scales = {0.25F}, .turned = true}), 1);
}

TEST(DetectFaces, ClipsBoxesOnRequest) {
  // Half a face: its box reaches over the edge.
  const Image whole = read_image(testing::sample_folder() / "portrait.jpg");
  const Face face = Detector().detect(whole).at(0);
  const int left = static_cast<int>(face.box.x0 + face.box.width() / 4);
  const ImageView half = {whole.row(0) + 3 * left, whole.width() - left, whole.height(),
                          whole.stride()};
  DetectOptions options = {.min_score = 0.3F};
  const DetectedFaces open = detect_faces(Detector(), options, half, "half");
  options.clip_to_image = true;
  const DetectedFaces clipped = detect_faces(Detector(), options, half, "half");
  ASSERT_FALSE(open.result.faces.empty());
  ASSERT_LT(open.result.faces[0].box.x0, 0);
  EXPECT_EQ(clipped.result.faces[0].box.x0, 0);
  EXPECT_EQ(clipped.result.faces[0].box.x1, open.result.faces[0].box.x1);
  EXPECT_EQ(clipped.found[0].box, open.found[0].box);
  options.max_faces = 1;
  const DetectedFaces one = detect_faces(Detector(), options, half, "half");
  EXPECT_EQ(one.result.faces[0].box, clipped.result.faces[0].box);
  EXPECT_EQ(one.found[0].box, open.found[0].box);
}

TEST(FacesToHide, AreWhatTheLibrarysBlurHides) {
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  const Image image = to_rgb(part_of(crowd, 700, 0, 700, 300));
  const Detector detector;
  const DetectOptions all_options[] = {{},
                                       {.min_score = 0.8F},
                                       {.max_faces = 3},
                                       {.min_size_px = 9},
                                       {.clip_to_image = true},
                                       {.scales = {1}}};
  std::vector<std::size_t> counts;
  for (const DetectOptions& options : all_options) {
    const DetectedFaces found = detect_faces(detector, options, image, "crowd");
    const std::vector<Face> expected = faces_to_hide(detector, options, image, found);
    Image blurred = image;
    const std::vector<Face> hidden = blur_found_faces(blurred, detector, options);
    ASSERT_EQ(hidden.size(), expected.size());
    for (std::size_t i = 0; i < hidden.size(); ++i) EXPECT_EQ(hidden[i].box, expected[i].box);
    Image by_hand = image;
    blur_faces(by_hand, expected);
    EXPECT_TRUE(std::equal(by_hand.row(0), by_hand.row(by_hand.height() - 1), blurred.row(0)));
    counts.push_back(hidden.size());
  }
  EXPECT_GT(counts[0], detector.detect(image).size());  // of a second pass
  EXPECT_EQ(counts[2], 3U);
  EXPECT_LT(counts[3], counts[0]);
  EXPECT_GE(counts[5], detector.detect(image, {.scales = {1}}).size());
}

/// What a service does with an image that it was sent.
TEST(DetectFaces, BytesInMemoryBecomeJsonAndAnAnnotatedImage) {
  const std::vector<std::byte> bytes = read_file(testing::sample_folder() / "portrait.jpg");
  Image image = decode_image(bytes, {}, "upload");
  const Image before = image;
  const DetectedFaces detection = detect_faces(Detector(), DetectOptions(), image, "upload");
  const auto json = nlohmann::json::parse(to_json(detection.result));
  EXPECT_EQ(json["image"], "upload");
  EXPECT_EQ(json["width"], image.width());
  ASSERT_EQ(json["faces"].size(), 1U);
  const Box& box = detection.result.faces[0].box;
  EXPECT_NEAR(json["faces"][0]["box"][0].get<double>(), box.x0, 0.006);

  annotate({.folder = {}, .draw = true}, detection.result.faces, {}, image);
  const auto changed = [&](int x, int y) {
    return !std::equal(image.row(y) + 3 * x, image.row(y) + 3 * x + 3, before.row(y) + 3 * x);
  };
  EXPECT_TRUE(changed(static_cast<int>(box.x0), static_cast<int>(box.y0 + box.y1) / 2));
  EXPECT_FALSE(changed(0, 0));
}

}  // namespace
}  // namespace retinaface::pipeline
