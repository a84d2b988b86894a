#include "pipeline/own_output.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/origin_mark.h"
#include "pipeline/json_report.h"
#include "pipeline/npy.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

class OwnOutput : public ::testing::Test {
 protected:
  bool is_ours(const std::string& text, OutputKind kind) const {
    std::ofstream(folder_ / "f", std::ios::binary) << text;
    return is_own_output(folder_ / "f", kind);
  }

  testing::TemporaryFolder folder_;
};

TEST_F(OwnOutput, IsKnownByAMarkAtEitherEndOfALargeFile) {
  const std::string mark(kOriginMark);
  const std::string bulk(1 << 20, 'x');
  EXPECT_TRUE(is_ours(mark + bulk, OutputKind::kVideo));
  EXPECT_TRUE(is_ours(bulk + mark, OutputKind::kVideo));
  EXPECT_FALSE(is_ours(bulk + mark + bulk, OutputKind::kVideo));
}

TEST_F(OwnOutput, IsAReportOfFigures) {
  write_json_report(folder_ / "r.json", {{"ap", 0.5}});
  EXPECT_TRUE(is_own_output(folder_ / "r.json", OutputKind::kReport));
  std::ifstream file(folder_ / "r.json");
  EXPECT_EQ(nlohmann::json::parse(file)["ap"], 0.5);
  EXPECT_FALSE(is_ours("{\"ap\": 0.5}", OutputKind::kReport));
}

TEST_F(OwnOutput, IsAFileOfVectors) {
  const std::vector<float> values(6);
  EXPECT_TRUE(is_ours(npy_matrix(values, 3), OutputKind::kVectors));
  EXPECT_TRUE(is_ours("{\"image\":\"a.jpg\",\"embedding\":[1,2]}\n{", OutputKind::kVectors));
  EXPECT_FALSE(is_ours("{\"image\":\"a.jpg\",\"faces\":[]}\n", OutputKind::kVectors));
  EXPECT_FALSE(is_ours("1 2 3\n", OutputKind::kVectors));
}

TEST_F(OwnOutput, IsRemovedFromAmongTheUsersFiles) {
  const std::string mark(kOriginMark);
  const auto write = [this](const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  };
  for (const char* const name : {"0.obj", "12.obj", "000017_2.obj"}) write(name, mark);
  write("1.obj", "the user's");
  write("2.obj", "");
  write("3.ply", mark);
  write("12 of them.obj", mark);
  remove_own({folder_.path(), ".obj", OutputKind::kMesh});
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    left.insert(entry.path().filename());
  }
  EXPECT_THAT(left, ::testing::ElementsAre("1.obj", "12 of them.obj", "2.obj", "3.ply"));
  EXPECT_NO_THROW(remove_own({folder_ / "none", ".obj", OutputKind::kMesh}));
}

TEST_F(OwnOutput, IsWhatHoldsNothingToLose) {
  EXPECT_TRUE(is_ours("", OutputKind::kWeights));
  EXPECT_TRUE(is_own_output("/dev/null", OutputKind::kImage));
  EXPECT_FALSE(is_own_output(folder_ / "none", OutputKind::kImage));
  EXPECT_FALSE(is_own_output(folder_.path(), OutputKind::kImage));
}

}  // namespace
}  // namespace retinaface::pipeline
