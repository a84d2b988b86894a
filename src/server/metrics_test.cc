#include "server/metrics.h"

#include <map>
#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::server {
namespace {

/// Samples by their names with labels; fails the test for a line that is not of the format.
std::map<std::string, double> samples_of(const std::string& text) {
  static const std::regex kSample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-z_]+="[^"\\\n]*"(?:,(?!\}))?)+\})?) ([0-9.e+-]+))re");
  static const std::regex kComment("# (HELP|TYPE) [a-z_]+ .+");
  std::map<std::string, double> samples;
  EXPECT_EQ(text.back(), '\n');
  for (const std::string& line : testing::lines_of(text)) {
    std::smatch parts;
    if (std::regex_match(line, parts, kSample)) {
      EXPECT_TRUE(samples.emplace(parts[1], std::stod(parts[2])).second) << "twice: " << line;
    } else {
      EXPECT_TRUE(std::regex_match(line, kComment)) << line;
    }
  }
  return samples;
}

TEST(Metrics, CountWhatHappened) {
  Metrics metrics;
  metrics.count_request("/v1/detect", 200, 0.02, 100, 10);
  metrics.count_request("/v1/detect", 200, 0.025, 100, 10);
  metrics.count_request("/v1/detect", 413, 20, 0, 5);
  metrics.count_request("other", 404, 0.00001, 0, 5);
  metrics.count_image(3);
  metrics.count_image(0);
  metrics.queued = 7;
  auto samples = samples_of(metrics.text());
  EXPECT_EQ(samples[R"(retinaface_requests_total{endpoint="/v1/detect",status="200"})"], 2);
  EXPECT_EQ(samples[R"(retinaface_requests_total{endpoint="other",status="404"})"], 1);
  EXPECT_EQ(samples["retinaface_request_bytes_total"], 200);
  EXPECT_EQ(samples["retinaface_response_bytes_total"], 30);
  EXPECT_EQ(samples["retinaface_images_total"], 2);
  EXPECT_EQ(samples["retinaface_faces_total"], 3);
  EXPECT_EQ(samples["retinaface_queue_length"], 7);
  EXPECT_GT(samples["process_resident_memory_bytes"], 1e6);
  const auto bucket = [&](const std::string& bound) {
    return samples[R"(retinaface_request_duration_seconds_bucket{endpoint="/v1/detect",le=")" +
                   bound + "\"}"];
  };
  EXPECT_EQ(bucket("0.01"), 0);
  EXPECT_EQ(bucket("0.025"), 2);  // its own bound belongs to it
  EXPECT_EQ(bucket("10"), 2);
  EXPECT_EQ(bucket("+Inf"), 3);
  EXPECT_EQ(samples[R"(retinaface_request_duration_seconds_count{endpoint="/v1/detect"})"], 3);
  EXPECT_NEAR(samples[R"(retinaface_request_duration_seconds_sum{endpoint="/v1/detect"})"], 20.045,
              1e-9);
  EXPECT_NEAR(metrics.mean_seconds("/v1/detect"), 20.045 / 3, 1e-9);
  EXPECT_EQ(metrics.mean_seconds("/v1/blur"), 0);
}

}  // namespace
}  // namespace retinaface::server
