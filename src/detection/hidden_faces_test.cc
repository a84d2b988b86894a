#include "detection/hidden_faces.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "retinaface/blur.h"

#include "geometry/box.h"
#include "image/obscure.h"
#include "support/testing.h"

namespace retinaface {
namespace {

TEST(BlurFoundFaces, LeavesNothingThatTheDetectorFindsAgain) {
  // With so low a score heads without a face are found as well.
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  const Detector detector;
  const DetectOptions options{.min_score = 0.3F};
  Image blurred = crowd;
  const std::vector<Face> hidden = blur_found_faces(blurred, detector, options);
  EXPECT_GT(hidden.size(), 100U);
  EXPECT_EQ(detector.detect(blurred, options).size(), 0U);
  EXPECT_EQ(detector.detect(blurred, {.min_score = 0.3F, .scales = {2}}).size(), 0U);
}

TEST(BlurFoundFaces, HidesNoOthersThanTheNumberAskedFor) {
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  const Detector detector;
  const DetectOptions options{.min_score = 0.2F, .max_faces = 40};
  Image blurred = crowd;
  const std::vector<Face> hidden = blur_found_faces(blurred, detector, options);
  ASSERT_GE(hidden.size(), 40U);
  const auto is_hidden = [&](const Face& face, std::size_t first, std::size_t last) {
    return std::any_of(hidden.begin() + static_cast<std::ptrdiff_t>(first),
                       hidden.begin() + static_cast<std::ptrdiff_t>(last), [&](const Face& other) {
                         return contains(obscured_box(other.box), face.box.center());
                       });
  };
  // What is hidden besides is one of the forty, by a larger box.
  for (std::size_t i = 40; i < hidden.size(); ++i) EXPECT_TRUE(is_hidden(hidden[i], 0, 40)) << i;
  const std::vector<Face> left = detector.detect(blurred, {.min_score = 0.2F});
  EXPECT_GT(left.size(), 20U);
  for (const Face& face : left) EXPECT_FALSE(is_hidden(face, 0, hidden.size())) << face.score;
}

}  // namespace
}  // namespace retinaface
