#include "dataset/augmentation.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/testing.h"
#include "geometry/box.h"

namespace retinaface::dataset {
namespace {

constexpr int kSide_px = 64;

using Pixel = std::array<int, 3>;

Pixel at(const Image& image, int x, int y) {
  const std::uint8_t* const pixel = image.row(y) + 3 * x;
  return {pixel[0], pixel[1], pixel[2]};
}

Image random_image(int width, int height, std::uint64_t seed) {
  Image image(width, height);
  Random random(seed);
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < 3 * width; ++i) {
      image.row(y)[i] = static_cast<std::uint8_t>(random.below(256));
    }
  }
  return image;
}

/// Faces anywhere on and around an image.
std::vector<AnnotatedFace> random_faces(int width, int height, int count, Random& random) {
  std::vector<AnnotatedFace> faces;
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<float>(random.uniform(-20, width));
    const auto y = static_cast<float>(random.uniform(-20, height));
    AnnotatedFace& face = faces.emplace_back();
    face.box = {x, y, x + static_cast<float>(random.uniform(1, 60)),
                y + static_cast<float>(random.uniform(1, 60))};
    for (AnnotatedPoint& point : face.points) {
      point.position = {x + static_cast<float>(random.uniform(0, 60)), y};
      point.state = PointState::kVisible;
    }
  }
  return faces;
}

Sample random_sample(std::uint64_t seed) {
  Random random(seed);
  return {random_image(120, 90, seed), random_faces(120, 90, 6, random)};
}

bool holds_center(const Box& square, const Box& box) {
  const Point center = box.center();
  return center.x >= square.x0 && center.x < square.x1 && center.y >= square.y0 &&
         center.y < square.y1;
}

TEST(ChooseCrop, IsASquareOfThePaperInsideTheImage) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    const int width = 50 + static_cast<int>(random.below(200));
    const int height = 50 + static_cast<int>(random.below(200));
    const Box square = choose_crop(width, height, {}, {}, kSide_px, random);
    const auto shorter = static_cast<float>(std::min(width, height));
    EXPECT_EQ(square.width(), square.height());
    EXPECT_GE(square.width(), std::floor(0.3F * shorter));
    EXPECT_LE(square.width(), shorter);
    EXPECT_GE(square.x0, 0);
    EXPECT_GE(square.y0, 0);
    EXPECT_LE(square.x1, width);
    EXPECT_LE(square.y1, height);
    EXPECT_EQ(square.x0, std::floor(square.x0));
    EXPECT_EQ(square.y0, std::floor(square.y0));
  }
}

TEST(ChooseCrop, ReachesAllSizesAndCorners) {
  float minimum = 100;
  float largest = 0;
  bool left = false, right = false, top = false, bottom = false;
  Random random(1);
  for (int i = 0; i < 3000; ++i) {
    const Box square = choose_crop(100, 100, {}, {}, kSide_px, random);
    minimum = std::min(minimum, square.width());
    largest = std::max(largest, square.width());
    left |= square.x0 == 0;
    top |= square.y0 == 0;
    right |= square.x1 == 100;
    bottom |= square.y1 == 100;
  }
  EXPECT_LE(minimum, 31);
  EXPECT_EQ(largest, 100);
  EXPECT_TRUE(left && right && top && bottom);
}

TEST(ChooseCrop, DependsOnTheGeneratorAlone) {
  Random first(7);
  Random second(7);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(choose_crop(300, 200, {}, {}, kSide_px, first),
              choose_crop(300, 200, {}, {}, kSide_px, second));
  }
}

TEST(ChooseCrop, TriesForAFaceThatCounts) {
  const AnnotatedFace face{.box = {95, 95, 105, 105}};
  AnnotatedFace ignored{.box = {10, 10, 20, 20}, .ignored = true};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const Box square = choose_crop(200, 200, {ignored, face}, {}, kSide_px, random);
    EXPECT_TRUE(holds_center(square, face.box)) << seed;
  }
}

TEST(ChooseCrop, AroundAFaceGivesItTheWantedSize) {
  const AnnotatedFace face{.box = {400, 300, 440, 350}};
  const CropOptions options{
      .min_side = 0, .max_side = 1, .around_face = 1, .min_face_px = 16, .max_face_px = 32};
  const float size = std::sqrt(area(face.box));
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const Box square = choose_crop(800, 600, {face}, options, kSide_px, random);
    EXPECT_EQ(intersection(square, face.box), face.box) << "whole";
    const float cropped = size * kSide_px / square.width();
    EXPECT_GE(cropped, 15.5F);
    EXPECT_LE(cropped, 32.5F);
    EXPECT_GE(square.x0, 0);
    EXPECT_LE(square.x1, 800);
  }
}

TEST(ChooseCrop, AroundALargeFaceMayReachFarOverTheImage) {
  const AnnotatedFace face{.box = {50, 50, 150, 150}};
  const CropOptions options{
      .around_face = 1, .around_face_max_side = 8, .min_face_px = 8, .max_face_px = 8};
  Random random(1);
  const Box square = choose_crop(200, 200, {face}, options, kSide_px, random);
  EXPECT_EQ(square.width(), 800);  // 100 px become 8 of 64
  EXPECT_EQ(intersection(square, face.box), face.box);
}

TEST(CropFaces, KeepsThoseWhoseCentreIsInside) {
  Random random(3);
  std::size_t kept = 0;
  for (int round = 0; round < 200; ++round) {
    const Box square = {10, 5, 60, 55};
    const auto faces = random_faces(90, 70, 8, random);
    const auto cropped = crop_faces(faces, square, kSide_px);
    const auto expected = std::ranges::count_if(
        faces, [&](const AnnotatedFace& face) { return holds_center(square, face.box); });
    EXPECT_EQ(std::ssize(cropped), expected);
    kept += cropped.size();
  }
  EXPECT_GT(kept, 100U);
}

TEST(CropFaces, TheCentreRuleIsHalfOpen) {
  const Box square = {10, 10, 20, 20};
  const auto kept = [&](const Box& box) {
    return crop_faces({{.box = box}}, square, 10).size() == 1;
  };
  EXPECT_TRUE(kept({8, 8, 12, 12})) << "the centre is the square's corner";
  EXPECT_FALSE(kept({18, 8, 22, 12})) << "on the right edge";
  EXPECT_FALSE(kept({8, 18, 12, 22})) << "on the lower edge";
  EXPECT_TRUE(kept({18, 18, 21.9F, 21.9F}));
}

TEST(CropFaces, WorkedByHand) {
  AnnotatedFace face{.box = {5, 20, 25, 50}, .quality = 2};
  face.points[0] = {{12, 30}, PointState::kVisible};
  face.points[1] = {{6, 30}, PointState::kHidden};
  const auto cropped = crop_faces({face}, {10, 20, 60, 70}, 100);
  ASSERT_EQ(cropped.size(), 1U);
  EXPECT_EQ(cropped[0].box, (Box{0, 0, 30, 60})) << "twice as large, cut at the left";
  EXPECT_EQ(cropped[0].points[0], (AnnotatedPoint{{4, 20}, PointState::kVisible}));
  EXPECT_EQ(cropped[0].points[1], (AnnotatedPoint{{-8, 20}, PointState::kHidden}))
      << "points stay where they are";
  EXPECT_EQ(cropped[0].points[2].state, PointState::kMissing);
  EXPECT_EQ(cropped[0].quality, 2);
}

TEST(CropFaces, NoneWithoutAreaIsLeft) {
  EXPECT_TRUE(crop_faces({{.box = {20, 20, 20, 30}}}, {10, 10, 40, 40}, kSide_px).empty());
  EXPECT_TRUE(crop_faces({{.box = {30, 20, 20, 30}}}, {10, 10, 40, 40}, kSide_px).empty());
}

TEST(Crop, TakesThePixelsAsTheyAreAtTheSameSize) {
  const Sample sample{random_image(50, 40, 1), {}};
  const Sample cropped = crop(sample, {7, 5, 27, 25}, 20);
  ASSERT_EQ(cropped.image.width(), 20);
  ASSERT_EQ(cropped.image.height(), 20);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) {
      ASSERT_EQ(at(cropped.image, x, y), at(sample.image, x + 7, y + 5)) << x << " " << y;
    }
  }
}

TEST(Crop, FillsWhatIsOutsideTheImage) {
  const Sample sample{random_image(20, 10, 1), {}};
  for (const Box& square : {Box{-5, -3, 25, 27}, Box{10, 5, 40, 35}, Box{50, 50, 80, 80}}) {
    const Sample cropped = crop(sample, square, 30, 77);
    for (int y = 0; y < 30; ++y) {
      for (int x = 0; x < 30; ++x) {
        const int from_x = x + static_cast<int>(square.x0);
        const int from_y = y + static_cast<int>(square.y0);
        const bool inside = from_x >= 0 && from_x < 20 && from_y >= 0 && from_y < 10;
        const Pixel expected = inside ? at(sample.image, from_x, from_y) : Pixel{77, 77, 77};
        ASSERT_EQ(at(cropped.image, x, y), expected) << x << " " << y;
      }
    }
  }
}

TEST(Flip, MirrorsPixelsBoxesAndPoints) {
  Sample sample{random_image(33, 20, 1), {full_face()}};
  const Sample before = sample;
  flip(sample);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 33; ++x) {
      ASSERT_EQ(at(sample.image, x, y), at(before.image, 32 - x, y));
    }
  }
  const AnnotatedFace& face = sample.faces[0];
  const AnnotatedFace& was = before.faces[0];
  EXPECT_EQ(face.box, (Box{33 - was.box.x1, was.box.y0, 33 - was.box.x0, was.box.y1}));
  const std::array<std::size_t, 5> from = {1, 0, 2, 4, 3};
  for (std::size_t i = 0; i < 5; ++i) {
    const AnnotatedPoint& source = was.points[from[i]];
    EXPECT_EQ(face.points[i].state, source.state) << i;
    if (source.state == PointState::kMissing) continue;
    EXPECT_EQ(face.points[i].position, (Point{33 - source.position.x, source.position.y})) << i;
  }
  EXPECT_LT(face.points[0].position.x, face.points[1].position.x) << "left stays left";
}

TEST(Flip, TwiceIsNothing) {
  for (const int width : {1, 2, 33, 120}) {
    Sample sample{random_image(width, 7, 5), {full_face(), {.box = {1, 2, 3, 4}}}};
    const Sample before = sample;
    flip(sample);
    flip(sample);
    EXPECT_TRUE(same_pixels(sample.image, before.image)) << width;
    EXPECT_EQ(sample.faces, before.faces);
  }
}

constexpr float kQuarter = 1.5707964F;

void expect_near(const Box& box, const Box& expected) {
  EXPECT_NEAR(box.x0, expected.x0, 1e-4);
  EXPECT_NEAR(box.y0, expected.y0, 1e-4);
  EXPECT_NEAR(box.x1, expected.x1, 1e-4);
  EXPECT_NEAR(box.y1, expected.y1, 1e-4);
}

TEST(Turn, ByAQuarterBringsTheLeftToTheTop) {
  Sample sample{random_image(20, 20, 1), {{.box = {2, 3, 8, 15}}}};
  sample.faces[0].points[2] = {{4, 6}, PointState::kVisible};
  const Sample before = sample;
  turn(sample, kQuarter);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) {
      const Pixel pixel = at(sample.image, x, y);
      const Pixel expected = at(before.image, y, 19 - x);
      for (std::size_t c = 0; c < 3; ++c) ASSERT_NEAR(pixel[c], expected[c], 1) << x << " " << y;
    }
  }
  ASSERT_EQ(sample.faces.size(), 1U);
  expect_near(sample.faces[0].box, {5, 2, 17, 8});
  const AnnotatedPoint& nose = sample.faces[0].points[2];
  EXPECT_EQ(nose.state, PointState::kVisible);
  EXPECT_NEAR(nose.position.x, 14, 1e-4);
  EXPECT_NEAR(nose.position.y, 4, 1e-4);
}

TEST(Turn, KeepsTheBoxOfACircleAndHoldsThatOfAnEllipse) {
  for (const float angle : {-2.0F, -0.4F, 0.3F, 1.0F}) {
    Sample sample{Image(100, 100), {{.box = {40, 40, 60, 60}}, {.box = {47, 40, 53, 60}}}};
    turn(sample, angle);
    expect_near(sample.faces[0].box, {40, 40, 60, 60});
    // The most that points of the turned ellipse, taken one by one, reach to the right.
    float reach = 0;
    for (int i = 0; i < 1000; ++i) {
      const float t = 4 * kQuarter * static_cast<float>(i) / 1000;
      reach =
          std::max(reach, 3 * std::cos(t) * std::cos(angle) - 10 * std::sin(t) * std::sin(angle));
    }
    EXPECT_NEAR(sample.faces[1].box.x1, 50 + reach, 1e-3) << angle;
    EXPECT_NEAR(sample.faces[1].box.x0, 50 - reach, 1e-3) << angle;
  }
}

TEST(Turn, DropsFacesThatLeaveTheImage) {
  Sample sample{Image(100, 100), {{.box = {0, 0, 20, 20}}, {.box = {85, 45, 99, 59}}}};
  turn(sample, kQuarter / 2);
  ASSERT_EQ(sample.faces.size(), 1U) << "the one in the corner is gone";
  EXPECT_GT(sample.faces[0].box.y0, 70);
}

TEST(IgnoreSmallFaces, MarksByTheShorterSide) {
  std::vector<AnnotatedFace> faces = {{.box = {0, 0, 10, 30}},
                                      {.box = {0, 0, 9.9F, 30}},
                                      {.box = {0, 0, 30, 9.9F}},
                                      {.box = {0, 0, 40, 40}, .ignored = true}};
  ignore_small_faces(faces, 10);
  const std::array expected = {false, true, true, true};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(faces[i].ignored, expected[i]) << i;
  std::vector<AnnotatedFace> tiny = {{.box = {0, 0, 1, 1}}};
  ignore_small_faces(tiny, 0);
  EXPECT_FALSE(tiny[0].ignored);
}

constexpr ColorOptions kNeutral{.brightness = 0, .contrast = 0, .saturation = 0, .hue_degrees = 0};

TEST(DistortColors, NeutralSettingsChangeNothing) {
  const Image before = random_image(40, 30, 9);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Image image = before;
    Random random(seed);
    distort_colors(image, kNeutral, random);
    EXPECT_TRUE(same_pixels(image, before)) << seed;
  }
}

TEST(DistortColors, KeepsTheSizeAndDependsOnTheGeneratorAlone) {
  int changed = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Image before = random_image(41, 30, seed);
    Image first = before;
    Image second = before;
    Random random(seed);
    Random again(seed);
    distort_colors(first, {}, random);
    distort_colors(second, {}, again);
    EXPECT_EQ(first.width(), 41);
    EXPECT_EQ(first.height(), 30);
    EXPECT_TRUE(same_pixels(first, second));
    changed += same_pixels(first, before) ? 0 : 1;
  }
  EXPECT_GT(changed, 15);
}

TEST(DistortColors, GrayHasOneValueOfTheSameLuma) {
  ColorOptions options = kNeutral;
  options.gray = 1;
  const Image before = random_image(30, 30, 2);
  Image image = before;
  Random random(1);
  distort_colors(image, options, random);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 30; ++x) {
      const auto [r, g, b] = at(image, x, y);
      const auto [r0, g0, b0] = at(before, x, y);
      EXPECT_NEAR(r, 0.299 * r0 + 0.587 * g0 + 0.114 * b0, 1.01);
      EXPECT_NEAR(g, r, 1);
      EXPECT_NEAR(b, r, 1);
    }
  }
}

TEST(DistortColors, BrightnessAndContrastTreatGraysAlike) {
  // Of gray pixels hue and saturation change nothing, and the rest is a line value -> a value + b.
  ColorOptions options;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Image image(256, 1);
    for (int x = 0; x < 256; ++x) std::memset(image.row(0) + 3 * x, x, 3);
    Random random(seed);
    distort_colors(image, options, random);
    for (int x = 0; x < 256; ++x) {
      const auto [r, g, b] = at(image, x, 0);
      EXPECT_NEAR(r, g, 1);
      EXPECT_NEAR(g, b, 1);
      // Factor and shift are bounded by the options: b is scaled by the contrast as well.
      EXPECT_LE(r, x * 1.5 + 32 * 1.5 + 1);
      EXPECT_GE(r, std::max(0.0, x * 0.5 - 32 * 1.5 - 1));
      if (x > 0) {
        EXPECT_GE(r, at(image, x - 1, 0)[0]) << "order stays";
      }
    }
  }
}

TEST(Augment, IsItsStepsOneAfterTheOther) {
  const AugmentationOptions options{.crop = {}, .color = {}, .flip = 0.5F, .min_face_px = 9};
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Sample sample = random_sample(seed);
    Random random(seed);
    const Sample whole = augment(sample, options, kSide_px, random);

    Random again(seed);
    const Box square = choose_crop(120, 90, sample.faces, options.crop, kSide_px, again);
    Sample stepwise = crop(sample, square, kSide_px);
    if (again.chance(0.5)) flip(stepwise);
    distort_colors(stepwise.image, options.color, again);
    ignore_small_faces(stepwise.faces, 9);

    EXPECT_TRUE(same_pixels(whole.image, stepwise.image)) << seed;
    EXPECT_EQ(whole.faces, stepwise.faces) << seed;
    EXPECT_EQ(random.next(), again.next()) << "the same chances were drawn";
  }
}

TEST(Augment, FacesLieInTheImageAndHaveArea) {
  const AugmentationOptions options{
      .crop = {.max_side = 2, .around_face = 0.5F}, .color = {}, .flip = 0.5F, .min_face_px = 4};
  std::size_t faces = 0;
  std::size_t ignored = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const Sample sample = augment(random_sample(seed), options, kSide_px, random);
    ASSERT_EQ(sample.image.width(), kSide_px);
    ASSERT_EQ(sample.image.height(), kSide_px);
    for (const AnnotatedFace& face : sample.faces) {
      EXPECT_GT(area(face.box), 0);
      EXPECT_GE(face.box.x0, 0);
      EXPECT_GE(face.box.y0, 0);
      EXPECT_LE(face.box.x1, kSide_px);
      EXPECT_LE(face.box.y1, kSide_px);
      EXPECT_EQ(face.ignored, std::min(face.box.width(), face.box.height()) < 4);
      ++faces;
      ignored += face.ignored ? 1 : 0;
    }
  }
  EXPECT_GT(faces, ignored);
  EXPECT_GT(ignored, 0U);
}

TEST(Augment, TurnsAsOftenAndAsFarAsItIsTold) {
  const AugmentationOptions options{
      .crop = {.min_side = 1}, .color = kNeutral, .flip = 0, .turn = 0.5F, .turn_degrees = 90};
  const float middle = kSide_px / 2.0F;
  Sample sample{Image(kSide_px, kSide_px),
                {{.box = {middle - 5, middle - 5, middle + 5, middle + 5}}}};
  sample.faces[0].points[0].position = {middle + 10, middle};
  int turned = 0;
  float farthest = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const Point point = augment(sample, options, kSide_px, random).faces[0].points[0].position;
    const float angle = std::atan2(point.y - middle, point.x - middle);
    turned += angle != 0 ? 1 : 0;
    farthest = std::max(farthest, std::abs(angle));
  }
  EXPECT_NEAR(turned, 200, 50) << "five standard deviations";
  EXPECT_LE(farthest, kQuarter + 1e-3F);
  EXPECT_GT(farthest, 0.9F * kQuarter);
}

double mean_of(const Image& image) {
  double sum = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int i = 0; i < 3 * image.width(); ++i) sum += image.row(y)[i];
  }
  return sum / (3.0 * image.width() * image.height());
}

/// The mean square of what neighbours in a row differ by.
double roughness_of(const Image& image) {
  double sum = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int i = 3; i < 3 * image.width(); ++i) {
      sum += std::pow(image.row(y)[i] - image.row(y)[i - 3], 2);
    }
  }
  return sum / (3.0 * (image.width() - 1) * image.height());
}

TEST(Degrade, IsCoarserDarkerNoisier) {
  Image flat(kSide_px, kSide_px);
  for (int y = 0; y < kSide_px; ++y) std::fill_n(flat.row(y), 3 * kSide_px, std::uint8_t{180});
  const Image rough = random_image(kSide_px, kSide_px, 3);
  int coarser = 0;
  int darker = 0;
  int noisier = 0;
  double darkest = 255;
  double noisiest = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    Image seen = flat;
    degrade(seen, random);
    darker += mean_of(seen) < 179 ? 1 : 0;
    noisier += roughness_of(seen) > 1 ? 1 : 0;
    darkest = std::min(darkest, mean_of(seen));
    noisiest = std::max(noisiest, roughness_of(seen));
    EXPECT_LE(mean_of(seen), 196.5) << "stray light alone";
    Random again(seed);
    Image coarse = rough;
    degrade(coarse, again);
    coarser += roughness_of(coarse) < 0.5 * roughness_of(rough) && mean_of(coarse) > 120 ? 1 : 0;
  }
  EXPECT_GT(darker, 120);  // half of them, but for what stray light makes up for
  EXPECT_NEAR(noisier, 200, 60);
  EXPECT_LT(darkest, 60);
  EXPECT_NEAR(noisiest, 2 * 12 * 12, 60) << "the difference of two values with a deviation of 12";
  EXPECT_GT(coarser, 60);
}

TEST(Augment, KeepsWhatDegradedImagesWere) {
  const AugmentationOptions options{
      .crop = {.min_side = 1}, .color = kNeutral, .flip = 0, .degrade = 0.5F};
  const Sample sample{random_image(kSide_px, kSide_px, 1), {}};
  int degraded = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const Sample result = augment(sample, options, kSide_px, random);
    const Image& before = result.clear.empty() ? result.image : result.clear;
    EXPECT_TRUE(same_pixels(before, sample.image));
    degraded += result.clear.empty() ? 0 : 1;
  }
  EXPECT_NEAR(degraded, 200, 50) << "five standard deviations";
}

TEST(Augment, FlipsAboutHalf) {
  const AugmentationOptions options{.crop = {.min_side = 1}, .color = kNeutral, .flip = 0.5F};
  Sample sample{random_image(kSide_px, kSide_px, 1), {}};
  int flipped = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    flipped += same_pixels(augment(sample, options, kSide_px, random).image, sample.image) ? 0 : 1;
  }
  EXPECT_NEAR(flipped, 200, 50) << "five standard deviations";
}

}  // namespace
}  // namespace retinaface::dataset
