#include "retinaface/detector.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "retinaface/alignment.h"

#include "base/file.h"
#include "geometry/box.h"
#include "graph/weights.h"
#include "image/convert.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/testing.h"
#include "support/detector_of_few_sizes.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Soft blobs of skin color with two dark dots: a network sees candidates of many scores here,
/// without an image of anybody.
Image blobs(int width, int height, std::uint32_t seed) {
  std::mt19937 random(seed);
  Image image(width, height);
  struct Blob {
    double x, y, radius;
  };
  std::vector<Blob> all(12);
  for (Blob& blob : all) {
    blob = {static_cast<double>(random() % static_cast<unsigned>(width)),
            static_cast<double>(random() % static_cast<unsigned>(height)),
            8.0 + static_cast<double>(random() % 40)};
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      double value = 60;
      for (const Blob& b : all) {
        const double dx = (x - b.x) / b.radius;
        const double dy = (y - b.y) / (1.3 * b.radius);
        if (dx * dx + dy * dy < 1) value = 200 - 40 * (dx * dx + dy * dy);
        const double ex = std::abs(dx) - 0.35;
        const double ey = dy + 0.2;
        if (ex * ex + ey * ey < 0.02) value = 40;
      }
      const double grain = static_cast<double>(random() % 9);
      std::uint8_t* const p = image.row(y) + 3 * x;
      p[0] = static_cast<std::uint8_t>(value + grain);
      p[1] = static_cast<std::uint8_t>(0.8 * value + grain);
      p[2] = static_cast<std::uint8_t>(0.7 * value + grain);
    }
  }
  return image;
}

void expect_same(const std::vector<Face>& actual, const std::vector<Face>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(actual[i].score, expected[i].score);
    EXPECT_EQ(actual[i].box, expected[i].box);
    EXPECT_EQ(actual[i].landmarks, expected[i].landmarks);
  }
}

/// Low enough that the blobs yield a crowd.
const DetectOptions kAll = {.min_score = 0.001F};

TEST(Detector, RefusesOptionsOutsideTheirRange) {
  const Detector detector;
  const Image image(32, 32);
  const auto refuses = [&](const DetectOptions& options, const char* name) {
    const Error error = error_of([&] { detector.detect(image, options); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr(name));
  };
  for (const float bad : {-0.01F, 1.01F, NAN}) {
    refuses({.min_score = bad}, "min_score");
    refuses({.nms_iou = bad}, "nms_iou");
  }
  for (const float bad : {0.0F, -1.0F, 16.5F, NAN, INFINITY})
    refuses({.scales = {1, bad}}, "scales");
  for (const int bad : {-1, 1, 1279}) refuses({.tile_px = bad}, "tile_px");
  refuses({.max_faces = -1}, "max_faces");
  for (const float bad : {-1.0F, NAN}) refuses({.min_size_px = bad}, "min_size_px");
  EXPECT_EQ(error_of([&] { detector.detect(ImageView{}); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { detector.detect(Image()); }).code(), ErrorCode::kInvalidArgument);
}

TEST(Detector, CopesWithTheSmallestImages) {
  const Detector detector;
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 50}, {50, 1}, {2, 3}}) {
    EXPECT_THAT(detector.detect(Image(width, height)), IsEmpty());
    EXPECT_NO_THROW(detector.detect(Image(width, height), {.min_score = 0, .scales = {0.1F, 3}}));
  }
}

TEST(Detector, ReturnsFacesByFallingScoreThatDoNotOverlap) {
  const auto faces = Detector().detect(blobs(320, 240, 1), kAll);
  ASSERT_GT(faces.size(), 10U);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_GE(faces[i].score, kAll.min_score);
    EXPECT_LE(faces[i].score, faces[i > 0 ? i - 1 : 0].score);
    for (std::size_t better = 0; better < i; ++better) {
      EXPECT_LE(iou(faces[better].box, faces[i].box), kAll.nms_iou) << better << " and " << i;
    }
  }
}

TEST(Detector, SeesTheSameImageInEveryFormat) {
  const Detector detector;
  const Image image = blobs(123, 77, 2);
  const auto expected = detector.detect(image, kAll);
  ASSERT_FALSE(expected.empty());
  for (const PixelFormat format : {PixelFormat::kBgr, PixelFormat::kRgba, PixelFormat::kBgra}) {
    const int bytes = bytes_per_pixel(format);
    const std::ptrdiff_t stride = image.width() * bytes + 3;
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(stride * image.height()), 77);
    const bool bgr = format != PixelFormat::kRgba;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) {
        for (int c = 0; c < 3; ++c) {
          pixels[static_cast<std::size_t>(y * stride + x * bytes + (bgr ? 2 - c : c))] =
              image.row(y)[3 * x + c];
        }
      }
    }
    expect_same(
        detector.detect({pixels.data(), image.width(), image.height(), stride, format}, kAll),
        expected);
  }
}

TEST(Detector, LeavesItsFramesAtEveryScale) {
  // What is found at one scale alone lies, in the image's frame, where its size allows.
  const Detector detector;
  const Image image = blobs(200, 150, 3);
  for (const float scale : {0.5F, 1.0F, 2.0F}) {
    for (const Face& face : detector.detect(image, {.min_score = 0.01F, .scales = {scale}})) {
      const Point center = face.box.center();
      EXPECT_GT(center.x, -50);
      EXPECT_LT(center.x, 250);
      EXPECT_GT(center.y, -50);
      EXPECT_LT(center.y, 200);
    }
  }
}

TEST(Detector, MergesTheFacesOfAllScales) {
  const Detector detector;
  const Image image = blobs(200, 150, 3);
  std::vector<Face> apart;
  for (const float scale : {0.5F, 1.0F, 2.0F}) {
    const auto faces =
        detector.detect(image, {.min_score = 0.01F, .nms_iou = 1, .scales = {scale}});
    apart.insert(apart.end(), faces.begin(), faces.end());
  }
  std::ranges::stable_sort(apart, std::greater(), &Face::score);
  expect_same(detector.detect(image, {.min_score = 0.01F, .nms_iou = 1, .scales = {0.5F, 1, 2}}),
              apart);
  const auto merged = detector.detect(image, {.min_score = 0.01F, .scales = {0.5F, 1, 2}});
  EXPECT_LT(merged.size(), apart.size());
  ASSERT_FALSE(merged.empty());
  EXPECT_EQ(merged[0].score, apart[0].score);
}

TEST(Detector, FindsTheSameFacesWhereverTheyLie) {
  // The network is shift-invariant by its largest stride, but for the image's edges.
  const Detector detector;
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  const ImageView image = part_of(crowd, 0, 0, 640, 640);
  Image shifted(image.width + 64, image.height + 32);
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(image.row(y), 3 * image.width, shifted.row(y + 32) + 3 * 64);
  }
  const auto here = detector.detect(image, {.scales = {1}});
  const auto there = detector.detect(shifted, {.min_score = 0.3F, .scales = {1}});
  int compared = 0;
  for (const Face& face : here) {
    const bool inside =
        face.box.x0 > 100 && face.box.y0 > 100 && face.box.x1 < 540 && face.box.y1 < 540;
    if (!inside) continue;
    ++compared;
    EXPECT_TRUE(std::ranges::any_of(there,
                                    [&](const Face& other) {
                                      return std::abs(other.box.x0 - face.box.x0 - 64) < 1 &&
                                             std::abs(other.box.y0 - face.box.y0 - 32) < 1 &&
                                             std::abs(other.score - face.score) < 0.1F;
                                    }))
        << face.box.x0 << ", " << face.box.y0;
  }
  EXPECT_GE(compared, 5);
}

TEST(Detector, CopiesShareAModelAndOutliveTheFirst) {
  const Image image = blobs(96, 96, 5);
  auto first = std::make_unique<Detector>();
  const auto expected = first->detect(image, kAll);
  Detector copy = *first;
  const Detector moved = std::move(*first);
  first.reset();
  expect_same(copy.detect(image, kAll), expected);
  expect_same(moved.detect(image, kAll), expected);
}

TEST(Detector, ReadsAModelFromAFileAsFromItself) {
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "m.safetensors",
                    models::load_builtin_model(models::kDefaultModel).weights);
  const Image image = blobs(160, 96, 6);
  expect_same(Detector(folder / "m.safetensors").detect(image, kAll),
              Detector().detect(image, kAll));
  expect_same(Detector("mnet025").detect(image, kAll), Detector().detect(image, kAll));
  EXPECT_EQ(error_of([&] { Detector(folder / "none.safetensors"); }).code(), ErrorCode::kNotFound);
}

TEST(Detector, FacesOfNarrowWeightsAreThoseOfTheSameNumbersInFloat32) {
  const testing::TemporaryFolder folder;
  const auto [narrow, wide] =
      runtime::testing::narrowed(models::load_builtin_model(models::kDefaultModel).weights);
  write_safetensors(folder / "narrow.safetensors", narrow);
  write_safetensors(folder / "wide.safetensors", wide);
  const Image image = blobs(160, 96, 6);
  const auto expected = Detector(folder / "wide.safetensors").detect(image, kAll);
  EXPECT_FALSE(expected.empty());
  expect_same(Detector(folder / "narrow.safetensors").detect(image, kAll), expected);
}

TEST(Detector, RefusesAStrideShorterThanARow) {
  const Image image(32, 32);
  ImageView view = image;
  view.stride = 3 * 32 - 1;
  EXPECT_THAT(error_of([&] { Detector().detect(view); }).what(), HasSubstr("stride"));
  view.stride = -view.stride;
  EXPECT_THAT(error_of([&] { Detector().detect(view); }).what(), HasSubstr("stride"));
}

TEST(Detector, SeesImagesThatAreStoredBottomRowFirst) {
  const Detector detector;
  const Image image = read_image(testing::sample_folder() / "portrait.jpg");
  Image bottom_up(image.width(), image.height());
  for (int y = 0; y < image.height(); ++y) {
    std::copy_n(image.row(y), image.stride(), bottom_up.row(image.height() - 1 - y));
  }
  const ImageView view = {bottom_up.row(image.height() - 1), image.width(), image.height(),
                          -image.stride(), PixelFormat::kRgb};
  for (const DetectOptions& options : {DetectOptions{}, {.scales = {0.5F, 1}}}) {
    const auto expected = detector.detect(image, options);
    ASSERT_FALSE(expected.empty());
    expect_same(detector.detect(view, options), expected);
  }
  const Landmarks landmarks = detector.detect(image).front().landmarks;
  const Image aligned = align_face(view, landmarks);
  const Image expected = align_face(image, landmarks);
  EXPECT_TRUE(std::equal(aligned.row(0), aligned.row(0) + 3 * 112 * 112, expected.row(0)));
}

TEST(Detector, RefusesSidesThatOverflow) {
  const Detector detector;
  const std::uint8_t pixel = 0;
  constexpr int kMaxInt = std::numeric_limits<int>::max();
  const ImageView huge = {&pixel, kMaxInt, kMaxInt, kMaxInt, PixelFormat::kGray};
  EXPECT_EQ(error_of([&] { detector.detect(huge); }).code(), ErrorCode::kTooLarge);
  EXPECT_EQ(error_of([&] { align_face(huge, kAlignedLandmarks); }).code(), ErrorCode::kTooLarge);
  const std::vector<std::uint8_t> line(40'000'000);
  const ImageView wide = {line.data(), 40'000'000, 1, 40'000'000, PixelFormat::kGray};
  EXPECT_EQ(error_of([&] { detector.detect(wide, {.scales = {16}}); }).code(),
            ErrorCode::kTooLarge);
}

TEST(Detector, LeavesOutWhatTheCallerDoesNotWant) {
  const Detector detector;
  const Image image = blobs(320, 240, 1);
  const auto all = detector.detect(image, kAll);
  const float shorter_px = 20;
  std::vector<Face> large;
  for (const Face& face : all) {
    if (std::min(face.box.width(), face.box.height()) >= shorter_px) large.push_back(face);
  }
  ASSERT_GT(large.size(), 3U);
  ASSERT_LT(large.size(), all.size());
  DetectOptions options = kAll;
  options.min_size_px = shorter_px;
  expect_same(detector.detect(image, options), large);
  options.max_faces = 3;
  large.resize(3);
  expect_same(detector.detect(image, options), large);
  options = kAll;
  options.max_faces = 1'000'000;
  expect_same(detector.detect(image, options), all);
}

TEST(Detector, ClipsBoxesToTheImage) {
  const Detector detector;
  // A face that the image's edge cuts.
  const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  const Face whole = detector.detect(portrait).front();
  const auto left = static_cast<int>(whole.box.center().x);
  const ImageView half = part_of(portrait, left, 0, portrait.width() - left, portrait.height());
  DetectOptions options = {.min_score = 0.001F};
  const auto unclipped = detector.detect(half, options);
  options.clip_to_image = true;
  const auto clipped = detector.detect(half, options);
  const Box frame = {0, 0, static_cast<float>(half.width), static_cast<float>(half.height)};
  std::vector<Face> expected;
  int cut = 0;
  for (Face face : unclipped) {
    const Box box = intersection(face.box, frame);
    cut += box != face.box;
    face.box = box;
    if (area(box) > 0) expected.push_back(face);
  }
  EXPECT_GT(cut, 0);
  expect_same(clipped, expected);
  // The size is that of the box as it was found.
  const auto widest = std::ranges::max(unclipped, {}, [](const Face& face) {
    return std::min(face.box.width(), face.box.height());
  });
  options.min_size_px = std::min(widest.box.width(), widest.box.height());
  ASSERT_EQ(detector.detect(half, options).size(), 1U);
}

TEST(Detector, ReadsAModelFromMemory) {
  const testing::TemporaryFolder folder;
  const auto file = folder / "m.safetensors";
  write_safetensors(file, models::load_builtin_model(models::kDefaultModel).weights);
  auto bytes = read_file(file);
  const Detector detector = Detector::from_bytes(bytes, "mine");
  std::ranges::fill(bytes, std::byte{});  // they are the caller's again
  const Image image = blobs(160, 96, 6);
  expect_same(detector.detect(image, kAll), Detector().detect(image, kAll));
  const Error error = error_of([&] { Detector::from_bytes(bytes, "mine"); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), ::testing::StartsWith("mine: "));
}

TEST(Detector, SaysWhichModelItHas) {
  const ModelInfo builtin = Detector().info();
  EXPECT_EQ(builtin.name, "mnet025");
  EXPECT_FALSE(builtin.summary.empty());
  EXPECT_EQ(builtin.weights_origin, WeightsOrigin::kBuiltIn);
  EXPECT_EQ(builtin.weights_source, "");
  EXPECT_THAT(builtin.strides_px, ::testing::ElementsAre(8, 16, 32));
  EXPECT_GT(builtin.parameters, 100'000);
  // Four times the cells of every map.
  EXPECT_EQ(Detector().info(640, 960).multiply_adds, 4 * Detector().info(320, 480).multiply_adds);
  EXPECT_EQ(error_of([] { (void)Detector().info(0, 480); }).code(), ErrorCode::kInvalidArgument);

  const Detector choosy = testing::detector_of_few_sizes();
  EXPECT_EQ(choosy.info().multiply_adds, 0);
  EXPECT_EQ(choosy.info().parameters, builtin.parameters);
  EXPECT_EQ(choosy.info(640, 512).multiply_adds, Detector().info(640, 512).multiply_adds);

  const testing::TemporaryFolder folder;
  const auto file = folder / "m.safetensors";
  write_safetensors(file, models::load_builtin_model(models::kDefaultModel).weights);
  EXPECT_EQ(Detector(file).info().weights_origin, WeightsOrigin::kFile);
  EXPECT_EQ(Detector(file).info().weights_source, file.string());
  const ModelInfo in_memory = Detector::from_bytes(read_file(file), "mine").info();
  EXPECT_EQ(in_memory.weights_origin, WeightsOrigin::kMemory);
  EXPECT_EQ(in_memory.weights_source, "mine");
  EXPECT_EQ(in_memory.parameters, builtin.parameters);
}

TEST(KnownModels, AreTheCatalogues) {
  const std::vector<ModelInfo> all = known_models(320, 240);
  ASSERT_EQ(all.size(), models::catalogue().size());
  const auto find = [&](const std::string& name) {
    return std::ranges::find(all, name, &ModelInfo::name);
  };
  ASSERT_NE(find("mnet025"), all.end());
  EXPECT_EQ(find("mnet025")->weights_origin, WeightsOrigin::kBuiltIn);
  EXPECT_EQ(find("mnet025")->multiply_adds, Detector().info(320, 240).multiply_adds);
  ASSERT_NE(find("resnet152+dcn"), all.end());
  EXPECT_THAT(find("resnet152+dcn")->strides_px, ::testing::ElementsAre(4, 8, 16, 32, 64));
}

TEST(DetectorThreads, ABatchHasTheFacesOfEachImageInOrder) {
  const Detector detector;
  std::vector<Image> images;
  for (std::uint32_t i = 0; i < 9; ++i)
    images.push_back(blobs(60 + 9 * static_cast<int>(i), 70, i));
  std::vector<ImageView> views(images.begin(), images.end());
  for (const int threads : {0, 1, 3, 50}) {
    const auto faces = detector.detect_batch(views, kAll, threads);
    ASSERT_EQ(faces.size(), images.size());
    for (std::size_t i = 0; i < images.size(); ++i) {
      expect_same(faces[i], detector.detect(images[i], kAll));
    }
  }
  EXPECT_THAT(detector.detect_batch({}, kAll), IsEmpty());
  views[4] = {};
  const Error error = error_of([&] { detector.detect_batch(views, kAll); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), ::testing::StartsWith("images[4]: "));
  // What is no image's fault names none.
  EXPECT_THAT(error_of([&] { detector.detect_batch(views, {.nms_iou = 2}); }).what(),
              ::testing::StartsWith("nms_iou: "));
  EXPECT_EQ(error_of([&] { detector.detect_batch(views, kAll, -1); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST(DetectorThreads, FindTheSameFacesAtOnce) {
  const Detector detector;
  std::vector<Image> images;
  std::vector<std::vector<Face>> expected;
  for (std::uint32_t i = 0; i < 5; ++i) {
    images.push_back(blobs(64 + 17 * static_cast<int>(i), 80, i));
    expected.push_back(detector.detect(images.back(), kAll));
  }
  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < 25; ++i) {
          const std::size_t k = (i + t) % images.size();
          const auto faces = detector.detect(images[k], kAll);
          const auto same = [](const Face& a, const Face& b) {
            return a.score == b.score && a.box == b.box && a.landmarks == b.landmarks;
          };
          wrong[t] += !std::ranges::equal(faces, expected[k], same);
        }
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<int>(wrong.size(), 0));
}

double resident_megabytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

TEST(Detector, DoesNotGrowWithTheNumberOfSizes) {
  RF_NEED_PLAIN_MEMORY();
  const Detector detector;
  const Image image = blobs(224, 224, 7);
  const auto run_sizes = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const ImageView part{image.row(0), 96 + i % 97, 96 + i % 89, image.stride(),
                           PixelFormat::kRgb};
      detector.detect(part);
    }
  };
  run_sizes(0, 60);
  const double before = resident_megabytes();
  run_sizes(60, 2060);  // 97 and 89 have no common divisor: all sizes differ
  EXPECT_LT(resident_megabytes() - before, 8);
}

}  // namespace
}  // namespace retinaface
