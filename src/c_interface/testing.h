#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "retinaface/c.h"
#include "retinaface/retinaface.h"

#include "support/testing.h"

namespace retinaface::testing {

/// What a test has made, freed at its end.
struct Objects {
  rf_detector* detector = nullptr;
  rf_detect_options* options = nullptr;
  rf_read_options* read_options = nullptr;
  rf_image* image = nullptr;
  rf_image* second = nullptr;
  rf_faces* faces = nullptr;
  rf_models* models = nullptr;
  rf_video* video = nullptr;
  rf_video_options* video_options = nullptr;
  rf_tracker* tracker = nullptr;
  rf_tracker_options* tracker_options = nullptr;
  Objects() = default;
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;
  ~Objects() {
    rf_tracker_options_free(tracker_options);
    rf_tracker_free(tracker);
    rf_video_options_free(video_options);
    rf_video_free(video);
    rf_models_free(models);
    rf_faces_free(faces);
    rf_image_free(second);
    rf_image_free(image);
    rf_read_options_free(read_options);
    rf_detect_options_free(options);
    rf_detector_free(detector);
  }
};

inline std::string sample(const std::string& name) {
  return (testing::sample_folder() / name).string();
}

inline Face cpp_of(const rf_face& face) {
  Face result{face.score, {face.x0, face.y0, face.x1, face.y1}, {}};
  for (std::size_t k = 0; k < 5; ++k) {
    result.landmarks[k] = {face.landmarks[k].x, face.landmarks[k].y};
  }
  return result;
}

inline void expect_same(const rf_faces* faces, const std::vector<Face>& expected) {
  ASSERT_EQ(rf_faces_count(faces), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Face face = cpp_of(rf_faces_data(faces)[i]);
    EXPECT_EQ(face.score, expected[i].score);
    EXPECT_EQ(face.box, expected[i].box);
    EXPECT_EQ(face.landmarks, expected[i].landmarks);
    std::size_t values = 1;
    EXPECT_EQ(rf_faces_values(faces, i, &values), nullptr);
    EXPECT_EQ(values, 0U);
  }
}

inline void expect_same(const rf_image* image, const Image& expected) {
  const rf_image_view view = rf_image_get_view(image);
  ASSERT_EQ(view.width, expected.width());
  ASSERT_EQ(view.height, expected.height());
  ASSERT_EQ(view.format, RF_RGB);
  for (int y = 0; y < expected.height(); ++y) {
    ASSERT_TRUE(std::equal(expected.row(y), expected.row(y) + expected.stride(),
                           view.data + y * view.stride))
        << y;
  }
}

}  // namespace retinaface::testing
