#include "evaluation/disagreement_page.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "base/text.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

TEST(DisagreementPage, ShowsTheImagesInWhichDetectorsDiffer) {
  const retinaface::testing::TemporaryFolder folder;
  WiderGroundTruth truth;
  truth.events = {"e"};
  WiderFiles files;
  for (const char* const name : {"both", "one"}) {
    WiderImage image;
    image.name = name;
    image.faces = {{10, 10, 20, 20}};
    image.counted.fill({1});
    files.by_image[truth.images.size()] = folder / (image.name + ".png");
    write_image(folder / (image.name + ".png"), Image(60, 40));
    truth.images.push_back(image);
  }
  const std::vector<Detection> right = {{{10, 10, 20, 20}, 0.9}};
  const std::vector<DetectionSource> sources = {
      [&](std::size_t) { return std::vector(right); },
      [&](std::size_t image) { return image == 0 ? right : std::vector<Detection>(); }};
  const std::vector<std::size_t> images = {0, 1};
  const std::vector<ComparedDetector> detectors = {{"A", match_images(truth, images, sources[0])},
                                                   {"B", match_images(truth, images, sources[1])}};
  const Comparison comparison = compare(truth, detectors, {.samples = 2});
  std::size_t told = 0;
  const auto progress = [&](std::size_t done, std::size_t of) { told = 10 * done + of; };
  EXPECT_EQ(write_disagreements(folder / "out", truth, files, sources, detectors, comparison, 5,
                                progress),
            1U);
  EXPECT_EQ(told, 11U);
  const Image drawn = read_image(folder / "out/01_one.jpg");
  EXPECT_GE(drawn.width(), 2 * 60);  // side by side
  const std::vector<std::byte> page = read_file(disagreement_page(folder / "out"));
  const std::string text(text_of(page));
  EXPECT_THAT(text, ::testing::HasSubstr("01_one.jpg"));
  EXPECT_THAT(text, ::testing::HasSubstr("e/one"));
}

}  // namespace
}  // namespace retinaface::evaluation
