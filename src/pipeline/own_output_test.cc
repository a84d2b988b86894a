#include "pipeline/own_output.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "base/origin_mark.h"
#include "base/origin_seal.h"
#include "pipeline/json_report.h"
#include "pipeline/npy.h"
#include "pipeline/results.h"
#include "support/content_of.h"
#include "support/testing.h"
#include "video/video_writer.h"

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

TEST_F(OwnOutput, IsAVideoThatNobodyHasEdited) {
  for (const char* const name : {"v.mp4", "v.m4v", "v.mov", "v.mkv"}) {
    const std::filesystem::path path = folder_ / name;
    video::VideoWriter writer(path, 64, 48);
    for (int i = 0; i < 5; ++i) writer.write(Image(64, 48), 0.04 * i);
    writer.finish();
    EXPECT_TRUE(is_own_output(path, OutputKind::kVideo)) << name;
    EXPECT_TRUE(is_marked(path, OutputKind::kVideo)) << name;
    std::string bytes = testing::content_of(path);
    bytes[bytes.size() / 2] ^= 1;
    EXPECT_FALSE(is_ours(bytes, OutputKind::kVideo)) << name;
    EXPECT_TRUE(is_marked(folder_ / "f", OutputKind::kVideo)) << name;
  }
}

TEST_F(OwnOutput, IsResultsInCocosFormThatNobodyHasAddedTo) {
  std::string text;
  const auto writer = make_result_writer("coco", [&](std::string_view part) { text += part; }, {});
  writer->write({.path = "a.jpg", .width = 4, .height = 3, .faces = {{0.9F, {0, 0, 2, 2}, {}}}});
  writer->write({.path = "b.jpg", .width = 4, .height = 3, .faces = {}});
  writer->finish();
  EXPECT_TRUE(is_ours(text, OutputKind::kResults)) << text;
  text.insert(text.find("{\"id\": 0, \"image_id\""), R"({"id": 7, "name": "Anna"}, )");
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  EXPECT_FALSE(is_ours(text, OutputKind::kResults)) << text;
}

TEST_F(OwnOutput, IsAReportOfFigures) {
  write_json_report(folder_ / "r.json", {{"ap", 0.5}});
  EXPECT_TRUE(is_own_output(folder_ / "r.json", OutputKind::kReport));
  std::ifstream file(folder_ / "r.json");
  EXPECT_EQ(nlohmann::json::parse(file)["ap"], 0.5);
  EXPECT_FALSE(is_ours("{\"ap\": 0.5}", OutputKind::kReport));
  const std::string mark(kOriginMark);
  EXPECT_TRUE(is_ours("[{\"ms\": 1, \"origin\": \"" + mark + "\"}]\n", OutputKind::kReport));
  EXPECT_FALSE(is_ours("The boxes were " + mark + ", then corrected.\n", OutputKind::kReport));
  EXPECT_FALSE(is_ours("{\"note\": \"" + mark + "\"}", OutputKind::kReport));
}

TEST_F(OwnOutput, IsSealedTextThatNobodyHasEdited) {
  for (const OutputKind kind :
       {OutputKind::kMesh, OutputKind::kFigure, OutputKind::kPage, OutputKind::kAnnotations}) {
    std::string text = sealed("# " + open_mark() + "\nv 0 0 0\n");
    EXPECT_TRUE(is_ours(text, kind)) << text;
    EXPECT_FALSE(is_ours(text + "v 1 1 1\n", kind)) << text;
    // As former versions wrote it, and as anybody may.
    EXPECT_FALSE(is_ours("# " + std::string(kOriginMark) + "\nv 0 0 0\n", kind));
  }
}

TEST_F(OwnOutput, IsAnImageThatNobodyHasEdited) {
  for (const char* const name : {"a.jpg", "a.png", "a.webp"}) {
    const std::filesystem::path path = folder_ / name;
    write_image(path, Image(40, 30));
    EXPECT_TRUE(is_own_output(path, OutputKind::kImage)) << name;
    std::ifstream file(path, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    bytes[name == std::string("a.png") ? 90 : 60] ^=
        1;  // of the mark's checksum, or of WebP's image
    std::ofstream(path, std::ios::binary) << bytes;
    EXPECT_FALSE(is_own_output(path, OutputKind::kImage)) << name;
    EXPECT_TRUE(is_marked(path, OutputKind::kImage)) << name;
  }
}

TEST_F(OwnOutput, AreWeightsOfOurFormat) {
  const auto file = [](const std::string& metadata) {
    const std::string header = "{\"__metadata__\":{" + metadata + "}}";
    return std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header;
  };
  EXPECT_TRUE(is_ours(file(R"("format":"1","model":"mnet025")"), OutputKind::kWeights));
  EXPECT_FALSE(is_ours(file(R"("format":"pt","model":"llama")"), OutputKind::kWeights));
}

TEST_F(OwnOutput, IsAFileOfVectors) {
  const std::vector<float> values(6);
  EXPECT_TRUE(is_ours(npy_matrix(values, 3), OutputKind::kVectors));
  EXPECT_TRUE(is_ours(R"({"image": "a.jpg", "score": 1, "box": [0, 0, 1, 1], "embedding": [1, 2]})"
                      "\n{",
                      OutputKind::kVectors));
  EXPECT_FALSE(is_ours(R"({"image":"a.jpg","score":1,"box":[],"embedding":[1],"who":"Anna"})"
                       "\n",
                       OutputKind::kVectors));
  EXPECT_FALSE(is_ours("{\"image\":\"a.jpg\",\"faces\":[]}\n", OutputKind::kVectors));
  EXPECT_FALSE(is_ours("1 2 3\n", OutputKind::kVectors));
}

TEST_F(OwnOutput, IsRemovedFromAmongTheUsersFiles) {
  const auto write = [this](const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  };
  const std::string mesh = sealed("# " + open_mark() + "\n");
  for (const char* const name : {"0.obj", "12.obj", "000017_2.obj"}) write(name, mesh);
  write("1.obj", "the user's");
  write("2.obj", "");
  write("3.ply", mesh);
  write("12 of them.obj", mesh);
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
