// `retinaface bench` as a user meets it. What it measures is no test; what it says of it is.

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cpu.h"
#include "support/program_folder.h"
#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Bench : public testing::ProgramFolder {
 protected:
  CommandResult bench(const std::string& arguments) const {
    return run("retinaface bench " + arguments);
  }
};

TEST_F(Bench, WritesARowForEachCombination) {
  const CommandResult result =
      bench("--size 96x64 64x96 --type float32 --threads 1 2 --seconds 0 --json speed.json");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, StartsWith("model "));
  const auto rows = nlohmann::json::parse(std::ifstream(folder_ / "speed.json"));
  ASSERT_EQ(rows.size(), 4U);
  std::size_t i = 0;
  for (const char* size : {"96x64", "64x96"}) {
    for (const int threads : {1, 2}) {
      const auto& row = rows.at(i++);
      EXPECT_EQ(row.at("model"), "mnet025");
      EXPECT_EQ(row.at("backend"), "cpu");
      EXPECT_EQ(row.at("size"), size);
      EXPECT_EQ(row.at("type"), "float32");
      EXPECT_EQ(row.at("threads"), threads);
      EXPECT_GT(row.at("median_ms"), 0);
      EXPECT_LE(row.at("min_ms"), row.at("median_ms"));
      EXPECT_FALSE(row.at("random_weights"));
      // By hand: 735.9 M at 640x480, which these sizes have a fiftieth of.
      EXPECT_NEAR(row.at("multiply_adds").get<double>(), 735.9e6 / 50, 0.01 * 735.9e6 / 50);
      double shares = 0;
      for (const auto& share : row.at("call_shares")) shares += share.get<double>();
      EXPECT_NEAR(shares, 1, 0.5);  // the parts are means, the whole a median
    }
  }
}

/// Of all commands that write figures.
TEST_F(Bench, ADashIsStandardOutput) {
  fs::create_directory(folder_ / "images");
  fs::copy_file(testing::sample_folder() / "portrait.jpg", folder_ / "images/portrait.jpg");
  write("label.txt", "# portrait.jpg\n177 58 94 120\n");
  for (const auto& [command, table] :
       {std::pair("bench --size 64x64 --type float32 --threads 1 --seconds 0", "model "),
        {"evaluate set label.txt", "1 image, 1 face"},
        {"summary", "735.9 M"}}) {
    const CommandResult result = run(std::string("retinaface ") + command + " --json -");
    EXPECT_FALSE(nlohmann::json::parse(result.output).empty()) << command;
    EXPECT_THAT(result.errors, HasSubstr(table)) << command;
    EXPECT_FALSE(fs::exists(folder_ / "-")) << command;
  }
  for (const char* command :
       {"export --format safetensors", "dataset convert label.txt --to coco"}) {
    const CommandResult result = run(std::string("retinaface ") + command + " -o -");
    EXPECT_NE(result.exit_code, 0) << command;
    EXPECT_THAT(result.errors, HasSubstr("standard output")) << command;
    EXPECT_FALSE(fs::exists(folder_ / "-")) << command;
  }
}

TEST_F(Bench, ZeroThreadsAreTheDefault) {
  const CommandResult result =
      bench("--size 64x64 --type float32 --threads 0 --seconds 0 --json speed.json");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto rows = nlohmann::json::parse(std::ifstream(folder_ / "speed.json"));
  EXPECT_EQ(rows.at(0).at("threads"), core_count());
}

TEST_F(Bench, HasThePapersFiguresBeside) {
  const CommandResult result =
      bench("--size 640x480 --type float32 --threads 1 --seconds 0 --json speed.json");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("i7-6700K, one thread"));
  const auto rows = nlohmann::json::parse(std::ifstream(folder_ / "speed.json"));
  EXPECT_EQ(rows.at(0).at("paper_ms").at("i7-6700K, one thread"), 17.2);
}

TEST_F(Bench, MeasuresModelsWithoutWeights) {
  const CommandResult result = bench(
      "--model mnet025-light --size 64x64 --type float32 --threads 1 --seconds 0 --json "
      "speed.json");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("Weights are random"));
  EXPECT_TRUE(
      nlohmann::json::parse(std::ifstream(folder_ / "speed.json")).at(0).at("random_weights"));
}

TEST_F(Bench, RefusesWhatItCannotMeasure) {
  EXPECT_EQ(bench("--size 640").exit_code, 2);
  EXPECT_EQ(bench("--type float64").exit_code, 2);
  EXPECT_EQ(bench("--threads 1025").exit_code, 2);
  EXPECT_EQ(bench("--backend none --size 64x64").exit_code, 1);
  std::ofstream(folder_ / "speed.json") << "not ours";
  const CommandResult result = bench("--size 64x64 --seconds 0 --json speed.json");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("speed.json"));
}

}  // namespace
}  // namespace retinaface
