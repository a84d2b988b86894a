#include "image/obscure.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "retinaface/blur.h"

namespace retinaface {
namespace {

Image noise(int width, int height) {
  std::mt19937 random(1);
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < 3 * width; ++i) image.row(y)[i] = static_cast<std::uint8_t>(random());
  }
  return image;
}

TEST(ObscureFace, LeavesNoDetailInsideAndAllOutside) {
  const Image before = noise(200, 200);
  Image after = before;
  obscure_face(after, {60, 50, 140, 150});
  double change = 0;  // from pixel to pixel, inside: noise has 85 on average
  for (int x = 80; x < 120; ++x)
    change += std::abs(after.row(100)[3 * x] - after.row(100)[3 * x + 3]);
  EXPECT_LT(change / 40, 5);
  for (const auto& [x, y] : {std::pair{10, 10}, {190, 100}, {100, 10}, {50, 40}}) {
    EXPECT_TRUE(std::equal(before.row(y) + 3 * x, before.row(y) + 3 * x + 3, after.row(y) + 3 * x));
  }
}

TEST(ObscureFace, TakesAnyBox) {
  Image image = noise(20, 10);
  for (const Box& box : {Box{-50, -50, 100, 100}, Box{5, 5, 5, 9}, Box{9, 9, 1, 1},
                         Box{-9, -9, -1, -1}, Box{18, 8, 30, 30}, Box{3, 3, 3.5F, 3.5F},
                         Box{-INFINITY, -INFINITY, INFINITY, INFINITY}, Box{NAN, 0, 5, 5}}) {
    EXPECT_NO_THROW(obscure_face(image, box));
  }
}

TEST(BlurFaces, ObscuresEach) {
  const Image before = noise(60, 40);
  Image expected = before;
  const std::vector<Face> faces = {{0.9F, {5, 5, 20, 25}}, {0.8F, {35, 10, 55, 30}}};
  for (const Face& face : faces) obscure_face(expected, face.box);
  Image blurred = before;
  blur_faces(blurred, faces);
  EXPECT_TRUE(std::equal(blurred.row(0), blurred.row(0) + 3 * 60 * 40, expected.row(0)));
  blur_faces(blurred, {});
}

}  // namespace
}  // namespace retinaface
