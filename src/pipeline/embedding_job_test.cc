#include "pipeline/embedding_job.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "pipeline/npy.h"
#include "support/content_of.h"
#include "support/made_recognizer.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Embedding : public ::testing::Test {
 protected:
  Embedding() {
    testing::write_made_recognizer(folder_ / "recognizer.safetensors");
    for (const char* name : {"hopper.jpg", "portrait.jpg"}) {
      fs::copy_file(testing::sample_folder() / name, folder_ / name);
    }
    job_.inputs = inputs({"hopper.jpg", "portrait.jpg"});
    events_.line = [this](const std::string& line) { lines_.push_back(line); };
    events_.message = [this](const std::string& line) { messages_.push_back(line); };
  }

  std::vector<Input> inputs(const std::vector<std::string>& names) const {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(folder_ / name);
    return find_inputs(paths);
  }
  EmbeddingSummary run() {
    const Recognizer recognizer(folder_ / "recognizer.safetensors");
    return run_embedding(job_, detector_, recognizer, events_, stop_);
  }
  std::string content(const std::string& name) const { return testing::content_of(folder_ / name); }

  testing::TemporaryFolder folder_;
  const Detector detector_;
  EmbeddingJob job_;
  EmbeddingEvents events_;
  std::atomic<bool> stop_ = false;
  std::vector<std::string> lines_;
  std::vector<std::string> messages_;
};

TEST_F(Embedding, TellsEachFaceInTheOrderOfTheInputs) {
  job_.threads = 2;
  const EmbeddingSummary summary = run();
  EXPECT_EQ(summary.done, 2U);
  EXPECT_EQ(summary.failed, 0U);
  EXPECT_FALSE(summary.was_interrupted);
  EXPECT_THAT(messages_, IsEmpty());
  ASSERT_THAT(lines_, SizeIs(summary.faces));
  ASSERT_GE(summary.faces, 2U);
  const auto first = nlohmann::json::parse(lines_.front());
  EXPECT_EQ(first.at("image"), (folder_ / "hopper.jpg").string());
  EXPECT_THAT(first.at("embedding"), SizeIs(4));
  EXPECT_EQ(nlohmann::json::parse(lines_.back()).at("image"), (folder_ / "portrait.jpg").string());
}

TEST_F(Embedding, WritesTheSameLinesToAFile) {
  run();
  std::string expected;
  for (const std::string& line : lines_) expected += line + "\n";
  lines_.clear();
  job_.output = folder_ / "faces.jsonl";
  run();
  EXPECT_EQ(content("faces.jsonl"), expected);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(Embedding, WritesAMatrixWhoseRowsTheLinesName) {
  job_.output = folder_ / "faces.NPY";
  const EmbeddingSummary summary = run();
  ASSERT_THAT(lines_, SizeIs(summary.faces));
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const auto json = nlohmann::json::parse(lines_[i]);
    EXPECT_EQ(json.at("row"), i);
    EXPECT_FALSE(json.contains("embedding"));
  }
  const std::vector<float> zeros(4 * summary.faces);
  EXPECT_EQ(content("faces.NPY").size(), npy_matrix(zeros, 4).size());
}

TEST_F(Embedding, GoesOnBehindWhatCannotBeRead) {
  std::ofstream(folder_ / "text.jpg") << "no image";
  fs::copy_file(testing::fixture_folder() / "videos/bt709.mp4", folder_ / "video.mp4");
  job_.inputs = inputs({"missing.jpg", "text.jpg", "video.mp4", "hopper.jpg"});
  const EmbeddingSummary summary = run();
  EXPECT_EQ(summary.done, 4U);
  EXPECT_EQ(summary.failed, 3U);
  EXPECT_GE(summary.faces, 1U);
  EXPECT_FALSE(summary.was_interrupted);
  ASSERT_THAT(messages_, SizeIs(3));
  EXPECT_THAT(messages_[0], HasSubstr("missing.jpg: "));
  EXPECT_THAT(messages_[1], HasSubstr("text.jpg: "));
  EXPECT_THAT(messages_[2], HasSubstr("video.mp4: expected an image, found a video"));
}

TEST_F(Embedding, WritesWhatThereIsWhereItIsStopped) {
  job_.output = folder_ / "faces.npy";
  job_.threads = 1;
  events_.line = [this](const std::string&) { stop_ = true; };
  const EmbeddingSummary summary = run();
  EXPECT_EQ(summary.done, 1U);
  EXPECT_TRUE(summary.was_interrupted);
  const std::vector<float> zeros(4 * summary.faces);
  EXPECT_EQ(content("faces.npy").size(), npy_matrix(zeros, 4).size());
}

TEST_F(Embedding, RefusesToReplaceWhatIsNotItsOwn) {
  std::ofstream(folder_ / "mine.jsonl") << "mine";
  job_.output = folder_ / "mine.jsonl";
  EXPECT_THAT(error_of([&] { run(); }).what(), HasSubstr("mine.jsonl"));
  EXPECT_EQ(content("mine.jsonl"), "mine");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(Embedding, KeepsEarlierVectorsWhereItIsStoppedOrReadsNothing) {
  for (const char* name : {"faces.jsonl", "faces.npy"}) {
    stop_ = false;
    job_.output = folder_ / name;
    job_.inputs = inputs({"hopper.jpg", "portrait.jpg"});
    run();
    const std::string earlier = content(name);
    stop_ = true;
    EXPECT_TRUE(run().was_interrupted);
    EXPECT_TRUE(content(name) == earlier);
    EXPECT_THAT(messages_.back(), HasSubstr("keeps the results of an earlier run"));
    stop_ = false;
    job_.inputs = inputs({"missing.jpg"});
    EXPECT_EQ(run().failed, 1U);
    EXPECT_TRUE(content(name) == earlier);
    EXPECT_THAT(messages_.back(), HasSubstr("as nothing could be read"));
  }
}

TEST_F(Embedding, WaitsForAPipeUntilItIsStopped) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe.jpg").c_str(), 0600), 0);
  job_.inputs = inputs({"pipe.jpg"});
  const std::jthread stopping([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop_ = true;
  });
  EXPECT_TRUE(run().was_interrupted);
}

}  // namespace
}  // namespace retinaface::pipeline
