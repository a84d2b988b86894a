// How long `retinaface evaluate wider` takes for a set of WIDER FACE's size, and how much memory.

#include <chrono>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/testing.h"
#include "support/wider_set.h"

namespace retinaface {
namespace {

TEST(EvaluateSpeed, JudgesAWholeValidationSet) {
  const testing::TemporaryFolder folder;
  const auto set = testing::random_wider_set(61, 53, 23, 1);  // 3,233 images, 12 faces each
  write_ground_truth(set, folder / "truth");
  std::mt19937 random(2);
  const auto any = [&](unsigned n) { return static_cast<double>(random() % (100 * n)) / 100; };
  std::size_t detections = 0;
  for (const auto& image : set.images) {
    std::vector<std::string> lines;
    for (const auto& [x, y, width, height] : image.faces) {
      lines.push_back(fmt::format("{:.2f} {:.2f} {:.2f} {:.2f} {:.5f}", x + any(4), y + any(4),
                                  width + any(4), height, 0.3 + any(70) / 100));
    }
    for (auto wrong = 100 + random() % 400; wrong > 0; --wrong) {
      lines.push_back(fmt::format("{:.2f} {:.2f} {:.2f} {:.2f} {:.5f}", any(1000), any(700),
                                  any(80), any(80), 0.02 + any(30) / 100));
    }
    detections += lines.size();
    write_predictions(image, lines, folder / "predictions");
  }

  const auto start = std::chrono::steady_clock::now();
  const auto result = testing::run("'" RETINAFACE_PROGRAM "' evaluate wider --ground-truth '" +
                                   (folder / "truth").string() + "' --predictions '" +
                                   (folder / "predictions").string() + "'");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto megabytes = static_cast<double>(usage.ru_maxrss) / 1024;
  fmt::print("{} images, {} detections: {:.2f} s, {:.0f} MB\n", set.images.size(), detections,
             took.count(), megabytes);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_LT(took.count(), 5);
  EXPECT_LT(megabytes, 300);
}

}  // namespace
}  // namespace retinaface
