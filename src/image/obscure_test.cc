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

TEST(ObscureFace, HidesTheBoxesThatReachIntoTheImage) {
  const Image before = noise(20, 10);
  const std::pair<Box, bool> boxes[] = {{{-50, -50, 100, 100}, true},
                                        {{18, 8, 30, 30}, true},
                                        {{3, 3, 3.5F, 3.5F}, true},
                                        {{-9, -9, -1, -1}, false},
                                        {{5, 5, 5, 9}, false},
                                        {{9, 9, 1, 1}, false},
                                        {{-INFINITY, -INFINITY, INFINITY, INFINITY}, false},
                                        {{NAN, 0, 5, 5}, false}};
  for (const auto& [box, hides] : boxes) {
    Image after = before;
    obscure_face(after, box);
    const bool same = std::equal(before.row(0), before.row(0) + 3 * 20 * 10, after.row(0));
    EXPECT_EQ(!same, hides) << box.x0 << " " << box.x1;
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
