#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "cli/evaluate.h"
#include "graph/weights.h"
#include "models/described_model.h"
#include "support/content_of.h"
#include "support/made_recognizer.h"
#include "support/testing.h"
#include "support/torch_writer.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;

class EvaluateVerificationTest : public ::testing::Test {
 protected:
  EvaluateVerificationTest() { testing::write_made_recognizer(folder_ / "recognizer.safetensors"); }

  int run(std::vector<std::string> arguments) {
    for (const char* const argument : {"--overwrite", "--threads", "1"}) {
      arguments.emplace_back(argument);
    }
    arguments.insert(arguments.end(), {"--recognizer", folder_ / "recognizer.safetensors", "--json",
                                       folder_ / "result.json"});
    CLI::App app;
    const Action action = declare_evaluate_verification(app);
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return action();
  }
  nlohmann::json result() const {
    return nlohmann::json::parse(testing::content_of(folder_ / "result.json"));
  }

  testing::TemporaryFolder folder_;
};

/// Eleven pairs: an image and itself, and two others.
std::vector<std::pair<const char*, const char*>> pairs() {
  std::vector<std::pair<const char*, const char*>> all;
  for (int i = 0; i < 6; ++i) all.emplace_back("hopper.jpg", "hopper.jpg");
  for (int i = 0; i < 5; ++i) all.emplace_back("hopper.jpg", "portrait.jpg");
  return all;
}

TEST_F(EvaluateVerificationTest, JudgesPairsOfImagesWithAndWithoutKeptEmbeddings) {
  std::string list;
  for (const auto& [a, b] : pairs()) list += fmt::format("{:d} {} {}\n", a == b, a, b);
  write_file_atomically(folder_ / "pairs.txt", list);
  const std::vector<std::string> arguments = {
      "--pairs", folder_ / "pairs.txt", "--images",     testing::sample_folder(),
      "--cache", folder_ / "kept",      "--move-points"};
  EXPECT_EQ(run(arguments), kSuccess);
  const nlohmann::json first = result();
  EXPECT_EQ(first.at("detectors").size(), 1U);
  EXPECT_EQ(first["detectors"][0]["missed"], 0);
  EXPECT_EQ(first["detectors"][0]["tar_at_far"]["1e-2"], nullptr);
  ASSERT_EQ(first.at("moved_points").size(), 3U);
  EXPECT_EQ(first["moved_points"][2]["moved"], 4);
  const std::string kept = testing::content_of(folder_ / "kept");
  EXPECT_EQ(run(arguments), kSuccess);
  EXPECT_EQ(result()["detectors"], first["detectors"]);
  EXPECT_EQ(testing::content_of(folder_ / "kept").size(), kept.size());  // two images, four ways
  EXPECT_EQ(kept.size(), 8U + 4U + 8 * (20U + 4 * sizeof(float)));
}

TEST_F(EvaluateVerificationTest, JudgesTheAlignedFacesOfABinFile) {
  std::string bin = "\x80\x02](";
  for (const auto& [a, b] : pairs()) {
    for (const char* const name : {a, b}) {
      const std::string content = testing::content_of(testing::sample_folder() / name);
      bin += "B" + testing::bytes_of(static_cast<std::uint32_t>(content.size())) + content;
    }
  }
  bin += "e](";
  for (const auto& [a, b] : pairs()) bin += a == b ? "\x88" : "\x89";
  write_file_atomically(folder_ / "made.bin", bin + "e\x86.");
  EXPECT_EQ(run({"--pairs", folder_ / "made.bin", "--model", "mnet025"}), kSuccess);
  const nlohmann::json found = result();
  ASSERT_EQ(found.at("detectors").size(), 2U);
  EXPECT_EQ(found["detectors"][0]["name"], "aligned");
  EXPECT_NEAR(found["detectors"][0]["accuracy"].get<double>(), 100, 1e-9);
  EXPECT_EQ(found["detectors"][1]["name"], "mnet025");
  EXPECT_TRUE(found["detectors"][1].contains("difference"));
}

TEST_F(EvaluateVerificationTest, JudgesTemplates) {
  write_file_atomically(folder_ / "faces.txt",
                        std::string("hopper.jpg 1 1\nportrait.jpg 1 1\nhopper.jpg 2 7\n"
                                    "portrait.jpg 2 7\nturned.jpg 3 2\n"));
  write_file_atomically(folder_ / "pairs.txt", std::string("1 2 1\n1 3 0\n"));
  EXPECT_EQ(run({"--templates", folder_ / "faces.txt", "--pairs", folder_ / "pairs.txt", "--images",
                 testing::sample_folder()}),
            kSuccess);
  const nlohmann::json found = result().at("detectors").at(0);
  EXPECT_EQ(found["pairs"], 2);
  EXPECT_EQ(found["missed"], 0);
  EXPECT_EQ(found["tar_at_far"]["1e-1"], nullptr);
  EXPECT_THAT(error_of([&] {
                write_file_atomically(folder_ / "pairs.txt", std::string("1 9 1\n"));
                run({"--templates", folder_ / "faces.txt", "--pairs", folder_ / "pairs.txt",
                     "--images", testing::sample_folder()});
              }).what(),
              HasSubstr("pairs.txt:1: expected the numbers of two templates"));
}

TEST_F(EvaluateVerificationTest, ReadsCfpsProtocol) {
  const fs::path protocol = folder_ / "Protocol";
  for (const char* const split : {"01", "02"}) {
    fs::create_directories(protocol / "Split" / "FP" / split);
    write_file_atomically(protocol / "Split" / "FP" / split / "same.txt", std::string("1,1\n"));
    write_file_atomically(protocol / "Split" / "FP" / split / "diff.txt", std::string("1,2\n"));
  }
  write_file_atomically(protocol / "Pair_list_F.txt", std::string("1 ../hopper.jpg\n"));
  write_file_atomically(protocol / "Pair_list_P.txt",
                        std::string("1 ../hopper.jpg\r\n2 ../portrait.jpg\r\n"));
  EXPECT_EQ(run({"--pairs", protocol, "--images", testing::sample_folder()}), kSuccess);
  EXPECT_NEAR(result()["detectors"][0]["accuracy"].get<double>(), 100, 1e-9);
  write_file_atomically(protocol / "Split" / "FP" / "02" / "diff.txt", std::string("2,2\n"));
  EXPECT_THAT(error_of([&] {
                run({"--pairs", protocol, "--images", testing::sample_folder()});
              }).what(),
              HasSubstr("diff.txt:1: expected two numbers"));
}

TEST_F(EvaluateVerificationTest, KeepsWhatWasEmbeddedWhereAnImageIsMissing) {
  std::string list;
  for (const auto& [a, b] : pairs()) list += fmt::format("{:d} {} {}\n", a == b, a, b);
  write_file_atomically(folder_ / "pairs.txt", list + "0 hopper.jpg zz_missing.jpg\n");
  const Error error = error_of([&] {
    run({"--pairs", folder_ / "pairs.txt", "--images", testing::sample_folder(), "--cache",
         folder_ / "kept"});
  });
  EXPECT_THAT(error.what(), HasSubstr("zz_missing.jpg"));
  EXPECT_EQ(testing::content_of(folder_ / "kept").size(), 8U + 4U + 2 * (20U + 4 * sizeof(float)));
}

}  // namespace
}  // namespace retinaface::cli
