// Faces of any size in one call, and large images in tiles.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "base/random.h"
#include "geometry/box.h"
#include "geometry/similarity.h"
#include "image/codecs/orientation.h"
#include "image/convert.h"
#include "image/resize.h"
#include "image/warp.h"
#include "support/testing.h"

namespace retinaface {
namespace {

/// The part of the portrait that its face fills, two thirds of each side.
Image head() {
  const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  constexpr int kLeft = 155;
  constexpr int kTop = 31;
  constexpr int kSide = 172;
  return to_rgb(part_of(portrait, kLeft, kTop, kSide, kSide));
}

/// The head with its hair, 202 px wide, and where its face is in it.
Image whole_head() {
  const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  return to_rgb(part_of(portrait, 140, 16, 202, 202));
}
constexpr Box kFaceOfWholeHead = {39, 44, 132, 160};

void paste(const Image& what, Image& image, int left, int top) {
  for (int y = 0; y < what.height(); ++y) {
    std::memcpy(image.row(top + y) + 3 * left, what.row(y),
                static_cast<std::size_t>(3 * what.width()));
  }
}

/// A surface of soft gray and colored spots, which are no faces.
Image wall(int width, int height, std::uint64_t seed = 1) {
  constexpr int kSpots = 16;
  Image spots(kSpots, kSpots);
  Random random(seed);
  for (int y = 0; y < kSpots; ++y) {
    for (int i = 0; i < 3 * kSpots; ++i) {
      spots.row(y)[i] = static_cast<std::uint8_t>(60 + random.below(100));
    }
  }
  return resize(spots, width, height);
}

TEST(AnySize, OneFaceIsOneFaceHoweverLarge) {
  const Detector detector;
  const Image small = head();
  for (const int side : {172, 400, 640, 800, 1200, 2000, 4000}) {
    const auto faces = detector.detect(resize(small, side, side));
    ASSERT_EQ(faces.size(), 1U) << side;
    const auto scale = static_cast<float>(side) / 172;
    const Box expected = {24 * scale, 29 * scale, 117 * scale, 145 * scale};
    EXPECT_GT(iou(faces[0].box, expected), 0.7F) << side;
    EXPECT_GT(faces[0].score, 0.9F) << side;
  }
}

TEST(AnySize, SmallOnesBesideALargeOne) {
  Image image(4000, 3000);
  paste(resize(head(), 2600, 2600), image, 100, 200);
  const Image small = resize(head(), 64, 64);  // a face of 43 px
  constexpr int kSmall = 12;
  for (int i = 0; i < kSmall; ++i) paste(small, image, 2900 + 250 * (i % 4), 300 + 700 * (i / 4));
  const auto faces = Detector().detect(image);
  const auto large =
      std::ranges::count_if(faces, [](const Face& f) { return f.box.width() > 1000; });
  const auto little =
      std::ranges::count_if(faces, [](const Face& f) { return f.box.width() < 60; });
  EXPECT_EQ(large, 1);
  EXPECT_EQ(little, kSmall);
  EXPECT_EQ(static_cast<int>(faces.size()), kSmall + 1);
}

/// Times `box` is among the faces.
std::ptrdiff_t count(const std::vector<Face>& faces, const Box& box) {
  return std::ranges::count_if(faces, [&](const Face& face) { return iou(face.box, box) > 0.5F; });
}

TEST(AnySize, NearlyAllFacesOfTwelvePixelsBesideAHugeOne) {
  const Image head = whole_head();
  const Box face = kFaceOfWholeHead;
  const auto face_at = [&](float x, float y, float scale) {
    return Box{x + face.x0 * scale, y + face.y0 * scale, x + face.x1 * scale, y + face.y1 * scale};
  };
  const float tiny = 24 / (face.width() + face.height());
  const Image small = resize(head, static_cast<int>(std::lround(202 * tiny)),
                             static_cast<int>(std::lround(202 * tiny)));
  const Detector detector;
  int found = 0;
  for (const int width : {640, 1280, 4000}) {
    Image image = wall(width, width * 3 / 4);
    const int huge = width * 5 / 8;
    paste(resize(head, huge, huge), image, width / 40, width / 40);
    std::vector<Box> expected;
    for (const int y : {width / 8, width / 3, width / 2 + 13}) {
      const int x = width * 4 / 5 + y / 7;
      paste(small, image, x, y);
      expected.push_back(face_at(static_cast<float>(x), static_cast<float>(y), tiny));
    }
    const auto faces = detector.detect(image);
    const auto corner = static_cast<float>(width) / 40;
    EXPECT_EQ(count(faces, face_at(corner, corner, static_cast<float>(huge) / 202)), 1) << width;
    for (const Box& box : expected) found += count(faces, box) == 1 ? 1 : 0;
  }
  EXPECT_GE(found, 8);  // of nine
}

TEST(AnySize, MostFacesOfTwelvePixelsAreFoundWhereverTheyAre) {
  const Image head = whole_head();
  constexpr int kSide = 23;  // of the head; its face has 11 x 13 px
  const Image small = resize(head, kSide, kSide);
  const Detector detector;
  Random random(5);
  int found = 0;
  int all = 0;
  for (const int width : {640, 1280, 4000}) {
    for (std::uint64_t image_number = 1; image_number <= 4; ++image_number) {
      const int height = width * 3 / 4;
      Image image = wall(width, height, image_number);
      std::vector<Box> expected;
      for (int i = 0; i < 3; ++i) {
        const auto x = static_cast<int>(random.below(static_cast<std::uint64_t>(width - kSide)));
        const auto y = static_cast<int>(random.below(static_cast<std::uint64_t>(height - kSide)));
        paste(small, image, x, y);
        constexpr float kScale = kSide / 202.0F;
        constexpr Box kFace = kFaceOfWholeHead;
        const auto left = static_cast<float>(x);
        const auto top = static_cast<float>(y);
        expected.push_back({left + kFace.x0 * kScale, top + kFace.y0 * kScale,
                            left + kFace.x1 * kScale, top + kFace.y1 * kScale});
      }
      const auto faces = detector.detect(image);
      for (const Box& box : expected) found += count(faces, box) == 1 ? 1 : 0;
      all += 3;
    }
  }
  fmt::print("{} of {} faces of 12 px found\n", found, all);
  EXPECT_GE(4 * found, 3 * all);
}

TEST(AnySize, TilesFindWhatTheImageInOnePieceShows) {
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  Image image(3 * crowd.width(), 3 * crowd.height());
  for (int i = 0; i < 9; ++i) {
    paste(crowd, image, i % 3 * crowd.width(), i / 3 * crowd.height());
  }
  const Detector detector;
  constexpr float kMinScore = 0.3F;
  const auto faces_of = [&](int tile_px) {
    return detector.detect(image, {.min_score = kMinScore, .scales = {1}, .tile_px = tile_px});
  };
  const auto missing = [&](const std::vector<Face>& faces, const std::vector<Face>& among) {
    int count = 0;
    for (const Face& face : faces) {
      if (face.score < kMinScore + 0.05F) continue;
      constexpr float kNear = 2;  // px
      count += std::ranges::none_of(among, [&](const Face& other) {
        const auto near = [](float a, float b) { return std::abs(a - b) <= kNear; };
        return near(face.box.x0, other.box.x0) && near(face.box.y0, other.box.y0) &&
               near(face.box.x1, other.box.x1) && near(face.box.y1, other.box.y1);
      });
    }
    return count;
  };
  const auto whole = faces_of(0);
  ASSERT_GT(whole.size(), 100U);
  for (const int tile_px : {1280, 1312, 1333, 1500}) {
    const auto tiled = faces_of(tile_px);
    EXPECT_EQ(missing(whole, tiled), 0) << tile_px << ": lost";
    EXPECT_EQ(missing(tiled, whole), 0) << tile_px << ": doubled or new";
  }
}

// A test set of small images: the whole head at the sizes that thumbnails show it in. A later model
// may find more of them at their own size alone.
TEST(SmallImages, ShowTheirFacesByDefault) {
  const Detector detector;
  const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  std::size_t by_default = 0;
  std::size_t enlarged = 0;
  std::vector<Image> images;
  for (const int side : {48, 60, 80, 100}) images.push_back(resize(portrait, side, side));
  for (const int width : {200, 400, 600}) {
    images.push_back(resize(crowd, width, width * crowd.height() / crowd.width()));
  }
  for (const Image& image : images) {
    const auto found = detector.detect(image);
    for (const Face& face : detector.detect(image, {.scales = {1, 2}})) {
      ++enlarged;
      by_default += std::ranges::any_of(
                        found, [&](const Face& other) { return iou(face.box, other.box) > 0.4F; })
                        ? 1
                        : 0;
    }
    EXPECT_GT(found.size(), 0U) << image.width();
  }
  EXPECT_GE(static_cast<double>(by_default), 0.9 * static_cast<double>(enlarged));
}

// The portrait in the other three positions, which EXIF does not tell.
TEST(TurnedHeads, HaveTheirPointsOnTheRightFeatures) {
  const Detector detector;
  const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  const Landmarks expected = detector.detect(portrait).at(0).landmarks;
  const float eyes = std::hypot(expected[1].x - expected[0].x, expected[1].y - expected[0].y);
  const auto side = static_cast<float>(portrait.width());
  const DetectOptions options = {.turned = true};
  EXPECT_EQ(detector.detect(portrait, options).at(0).landmarks[0].x, expected[0].x);
  for (const int orientation : {6, 3, 8}) {
    const Image turned = upright(portrait, orientation);
    const auto faces = detector.detect(turned, options);
    ASSERT_EQ(faces.size(), 1U) << orientation;
    for (std::size_t k = 0; k < 5; ++k) {
      const Point p = faces[0].landmarks[k];
      const Point back = orientation == 6   ? Point{p.y, side - p.x}
                         : orientation == 3 ? Point{side - p.x, side - p.y}
                                            : Point{side - p.y, p.x};
      EXPECT_LT(std::hypot(back.x - expected[k].x, back.y - expected[k].y), 0.15F * eyes)
          << orientation << ", point " << k;
    }
  }
}

TEST(TurnedHeads, BetweenTwoQuartersAreLevelled) {
  const Detector detector;
  const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  const Landmarks expected = detector.detect(portrait).at(0).landmarks;
  const float eyes = std::hypot(expected[1].x - expected[0].x, expected[1].y - expected[0].y);
  const Point middle = {static_cast<float>(portrait.width()) / 2,
                        static_cast<float>(portrait.height()) / 2};
  for (const float degrees : {40.0F, 45.0F, 60.0F, 120.0F, 130.0F, 135.0F, 140.0F, 220.0F, 225.0F,
                              230.0F, 300.0F, 315.0F, 320.0F}) {
    const float turn = degrees * 3.14159265F / 180;
    const Similarity about_origin = {std::cos(turn), std::sin(turn), {}};
    const Point moved = about_origin(middle);
    const Similarity upright_from_turned = {
        about_origin.a, about_origin.b, {middle.x - moved.x, middle.y - moved.y}};
    const Image turned = warp(portrait, upright_from_turned, portrait.width(), portrait.height());
    const auto faces = detector.detect(turned, {.turned = true});
    ASSERT_GE(faces.size(), 1U) << degrees;
    for (std::size_t k = 0; k < 5; ++k) {
      const Point back = upright_from_turned(faces[0].landmarks[k]);
      EXPECT_LT(std::hypot(back.x - expected[k].x, back.y - expected[k].y), 0.25F * eyes)
          << degrees << ", point " << k;
    }
  }
}

/// A pattern whose face is of a low score when it is seen again.
Image rings(float period) {
  Image image(640, 640);
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const float radius = std::hypot(static_cast<float>(x) - 320, static_cast<float>(y) - 320);
      const float value = 127 + 120 * std::sin(2 * 3.14159265F / period * radius);
      std::fill_n(image.row(y) + 3 * x, 3, static_cast<std::uint8_t>(value));
    }
  }
  return image;
}

/// Waves along both sides, which a face could be read into.
Image waves(int period, float degrees) {
  Image image(640, 640);
  const float turn = degrees * 3.14159265F / 180;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const auto u =
          static_cast<float>(x) * std::cos(turn) + static_cast<float>(y) * std::sin(turn);
      const auto v =
          static_cast<float>(y) * std::cos(turn) - static_cast<float>(x) * std::sin(turn);
      const float step = 2 * 3.14159265F / static_cast<float>(period);
      const float value = 127 + 120 * std::sin(step * u) * std::sin(step * v);
      std::fill_n(image.row(y) + 3 * x, 3, static_cast<std::uint8_t>(value));
    }
  }
  return image;
}

// Waves of 400 px, turned, still deceive the default model (reports/accuracy.md).
TEST(FalseFaces, AreNotSeenInWaves) {
  const Detector detector;
  for (const int period : {16, 32, 64, 96, 128, 140, 170, 200, 280}) {
    for (const float degrees : {0.0F, 30.0F, 45.0F}) {
      EXPECT_EQ(detector.detect(waves(period, degrees)).size(), 0U) << period << ", " << degrees;
    }
  }
}

// Of rings of 170 and 200 px the disc in the middle still is a face (reports/accuracy.md).
TEST(FalseFaces, AreNotSeenInMostRings) {
  const Detector detector;
  for (const float period : {16.0F, 32.0F, 64.0F, 96.0F, 128.0F, 280.0F, 400.0F, 560.0F}) {
    EXPECT_EQ(detector.detect(rings(period)).size(), 0U) << period;
  }
}

TEST(FalseFaces, AreNotSeenBesideAnEnlargedPortrait) {
  const Detector detector;
  const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  for (const int side : {1600, 2400, 3200}) {
    EXPECT_EQ(detector.detect(resize(portrait, side, side)).size(), 1U) << side;
  }
}

}  // namespace
}  // namespace retinaface
