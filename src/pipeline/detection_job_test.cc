#include "pipeline/detection_job.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/weights.h"
#include "models/described_model.h"
#include "support/content_of.h"
#include "support/made_recognizer.h"
#include "support/testing.h"
#include "video/video_writer.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Job : public ::testing::Test {
 protected:
  Job() {
    for (const char* name : {"portrait.jpg", "turned.jpg"}) {
      fs::copy_file(testing::sample_folder() / name, folder_ / name);
    }
    job_.inputs = find_inputs({(folder_ / "portrait.jpg").string(), folder_ / "turned.jpg"});
    events_.result = [this](const ImageResult& result) {
      results_.push_back(result.path.filename());
    };
    events_.message = [this](const std::string& line) { messages_.push_back(line); };
    events_.progress = [this](std::size_t done, std::size_t of) {
      progress_.push_back(std::to_string(done) + "/" + std::to_string(of));
    };
  }

  DetectionSummary run() { return run_detection(job_, detector_, events_, stop_); }
  std::string content(const std::string& name) const { return testing::content_of(folder_ / name); }

  testing::TemporaryFolder folder_;
  const Detector detector_;
  DetectionJob job_;
  DetectionEvents events_;
  std::atomic<bool> stop_ = false;
  std::vector<std::string> results_;
  std::vector<std::string> messages_;
  std::vector<std::string> progress_;
};

TEST_F(Job, HandsResultsOnInOrderAndWritesNothingUnasked) {
  job_.threads = 2;
  const DetectionSummary summary = run();
  EXPECT_THAT(results_, ElementsAre("portrait.jpg", "turned.jpg"));
  EXPECT_THAT(progress_, ElementsAre("1/2", "2/2"));
  EXPECT_THAT(messages_, IsEmpty());
  EXPECT_EQ(summary.done, 2U);
  EXPECT_EQ(summary.faces, 2U);
  EXPECT_GT(summary.ms, 0);
  EXPECT_FALSE(summary.was_interrupted);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 2);
}

TEST_F(Job, ReducesImagesOfWhichOnlyFacesAreWanted) {
  job_.detect.scales = {0.5F};
  EXPECT_EQ(job_.reduction(), 2);
  std::vector<std::pair<int, int>> sizes;
  events_.result = [&](const ImageResult& result) {
    EXPECT_EQ(result.faces.size(), 1U);
    sizes.emplace_back(result.width, result.height);
  };
  run();
  EXPECT_THAT(sizes, ElementsAre(std::pair(512, 512), std::pair(320, 420)));
  const auto reduction_with = [this](const auto& change) {
    DetectionJob job = job_;
    change(job);
    return job.reduction();
  };
  EXPECT_EQ(reduction_with([](DetectionJob& job) { job.images.draw = true; }), 1);
  EXPECT_EQ(reduction_with([](DetectionJob& job) { job.images.crops = true; }), 1);
  EXPECT_EQ(reduction_with([](DetectionJob& job) { job.images.mesh_folder = "meshes"; }), 1);
  EXPECT_EQ(reduction_with([](DetectionJob& job) { job.fields.quality = true; }), 1);
  EXPECT_EQ(reduction_with([](DetectionJob& job) { job.detect.scales = {}; }), 1);
}

TEST_F(Job, TellsOfInputsThatFailAndGoesOn) {
  job_.inputs.insert(job_.inputs.begin() + 1, {folder_ / "none.jpg", {}});
  const DetectionSummary summary = run();
  EXPECT_EQ(summary.done, 2U);
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_THAT(messages_, ElementsAre(HasSubstr("none.jpg")));
}

TEST_F(Job, GoesOnWithResults) {
  job_.output = folder_ / "r.jsonl";
  run();
  const std::string whole = content("r.jsonl");
  fs::resize_file(job_.output, whole.find('\n') + 1);
  job_.resume = true;
  results_.clear();
  run();
  EXPECT_THAT(results_, ElementsAre("turned.jpg"));
  EXPECT_EQ(testing::lines_of(content("r.jsonl")).size(), 2U);
  job_.detect.min_score = 0.3F;
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr("with min-score "));
}

TEST_F(Job, KnowsAModelThatANameFoundByItsContent) {
  const fs::path models = folder_ / "models";
  fs::create_directory(models);
  ::setenv("RETINAFACE_MODELS", models.c_str(), 1);
  std::ofstream(models / "own.safetensors") << "trained once";
  job_.model = "own";
  job_.output = folder_ / "r.jsonl";
  run();
  job_.resume = true;
  run();
  std::ofstream(models / "own.safetensors") << "trained again";
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr("with model own"));
  // Nor is that file overwritten by results.
  job_.resume = false;
  job_.overwrite = true;
  job_.output = models / "own.safetensors";
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr("is an input"));
  ::unsetenv("RETINAFACE_MODELS");
}

TEST_F(Job, ReadsItsModelAgainForARecordAlone) {
  job_.model = "/proc/self/mem";  // a regular file that cannot be read at its beginning
  EXPECT_EQ(run().done, 2U);
  job_.output = folder_ / "r.jsonl";
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr("/proc/self/mem"));
}

TEST_F(Job, DoesNotGoOnWithAFolderOfDifferentOptions) {
  const std::vector<Input> both = job_.inputs;
  job_.format = "wider";
  job_.images.folder = folder_ / "w";
  run();
  // The first image alone is done again, with another option.
  job_.inputs = {both[0]};
  job_.detect.min_score = 0.3F;
  run();
  job_.inputs = both;
  job_.resume = true;
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr("different options"));
  // As the message says, all of them without --resume make the folder one again.
  job_.resume = false;
  run();
  job_.resume = true;
  results_.clear();
  run();
  EXPECT_THAT(results_, IsEmpty());
}

TEST_F(Job, AnInterruptedRunLeavesNoResultsOfOtherOptions) {
  job_.format = "wider";
  job_.images.folder = folder_ / "w";
  run();
  job_.threads = 1;
  job_.detect.min_score = 0.3F;
  events_.result = [this](const ImageResult&) { stop_ = true; };
  run();
  stop_ = false;
  results_.clear();
  events_.result = [this](const ImageResult& result) {
    results_.push_back(result.path.filename());
  };
  job_.resume = true;
  run();
  EXPECT_THAT(results_, ElementsAre("turned.jpg"));
}

TEST_F(Job, KeepsTellingThatResultsHaveNoRecord) {
  job_.output = folder_ / "r.jsonl";
  run();
  fs::remove(folder_ / "r.jsonl.request");
  job_.resume = true;
  job_.detect.min_score = 0.3F;
  for (int i = 0; i < 2; ++i) {
    messages_.clear();
    run();
    EXPECT_THAT(messages_, ElementsAre(HasSubstr("does not say with which options"))) << i;
  }
  // What is no results is refused, and nothing else is said.
  std::ofstream(job_.output) << "a user's text\n";
  messages_.clear();
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr("expected lines"));
  EXPECT_THAT(messages_, IsEmpty());
}

TEST_F(Job, KnowsAFolderByEachOfItsNames) {
  job_.output = folder_ / "r.jsonl";
  job_.images = {.folder = folder_ / "out", .crops = true};
  run();
  job_.resume = true;
  job_.images.folder = folder_.path() / "." / "out" / "";
  results_.clear();
  run();
  EXPECT_THAT(results_, IsEmpty());
}

TEST_F(Job, MakesAgainWhatWasDeleted) {
  for (const char* const format : {"jsonl", "wider"}) {
    const fs::path out = folder_ / format;
    job_.format = format;
    job_.output = job_.writes_wider() ? "" : (folder_ / "r.jsonl").string();
    job_.images = {.folder = out, .blur = true, .crops = true, .aligned = true, .mesh_folder = out};
    job_.resume = false;
    run();
    job_.resume = true;
    results_.clear();
    run();
    EXPECT_THAT(results_, IsEmpty());
    const std::string before = content("r.jsonl");
    const std::string turned = place_in(out, folder_ / "turned.jpg");
    for (const char* const part :
         {"", ".faces/0.png", ".aligned/0.png", ".meshes/0.obj", ".meshes/0.ply"}) {
      ASSERT_TRUE(fs::remove(turned + part)) << part;
      results_.clear();
      run();
      EXPECT_THAT(results_, ElementsAre("turned.jpg")) << part;
      EXPECT_TRUE(fs::exists(turned + part)) << part;
    }
    EXPECT_EQ(content("r.jsonl"), before);
  }
}

TEST_F(Job, LeavesNoFilesOfAnEarlierRunBesideItsOwn) {
  const Image still = read_image(folder_ / "turned.jpg");
  video::VideoWriter writer(folder_ / "v.mp4", still.width(), still.height(), {.frames_per_s = 25});
  for (int i = 0; i < 3; ++i) writer.write(still, i / 25.0);
  writer.finish(video::VideoWriter::SoundEnd::kByItself);
  job_.inputs = find_inputs({(folder_ / "turned.jpg").string(), folder_ / "v.mp4"});
  const fs::path out = folder_ / "out";
  job_.output = folder_ / "r.jsonl";
  job_.images = {.folder = out, .crops = true, .aligned = true, .mesh_folder = out};
  run();
  const std::string image = place_in(out, folder_ / "turned.jpg");
  const std::string video = place_in(out, folder_ / "v.mp4");
  std::vector<fs::path> earlier;
  for (const auto& [place, first, other] :
       {std::tuple(image, "0", "7"), {video, "000000_1", "000099_1"}}) {
    for (const char* const part :
         {".faces/{}.png", ".aligned/{}.png", ".meshes/{}.obj", ".meshes/{}.ply"}) {
      earlier.emplace_back(place + fmt::format(fmt::runtime(part), other));
      fs::copy_file(place + fmt::format(fmt::runtime(part), first), earlier.back());
    }
  }
  std::ofstream(image + ".faces/note.txt") << "the user's";

  // What is done is not begun again.
  const auto stays = [](const fs::path& file) { return fs::exists(file); };
  job_.resume = true;
  run();
  EXPECT_TRUE(std::ranges::all_of(earlier, stays));
  // Nor is a video that is gone on with.
  const std::string whole = content("r.jsonl");
  fs::resize_file(job_.output, whole.rfind('\n', whole.size() - 2) + 1);
  run();
  EXPECT_TRUE(std::ranges::all_of(earlier, stays));

  job_.resume = false;
  run();
  EXPECT_TRUE(std::ranges::none_of(earlier, stays));
  EXPECT_TRUE(fs::exists(image + ".faces/0.png"));
  EXPECT_TRUE(fs::exists(image + ".faces/note.txt"));
  EXPECT_TRUE(fs::exists(video + ".faces/000000_1.png"));
}

TEST_F(Job, GivesEachFaceItsVector) {
  testing::write_made_recognizer(folder_ / "recognizer.safetensors");
  job_.recognizer_name = folder_ / "recognizer.safetensors";
  job_.recognizer.emplace(job_.recognizer_name);
  job_.output = folder_ / "r.jsonl";
  std::vector<std::vector<float>> expected;
  for (const char* const name : {"portrait.jpg", "turned.jpg"}) {
    const Image image = read_image(folder_ / name);
    for (const Face& face : detector_.detect(image)) {
      expected.push_back(job_.recognizer->embed(image, face.landmarks));
    }
  }
  run();
  std::size_t found = 0;
  for (const std::string& line : testing::lines_of(content("r.jsonl"))) {
    const nlohmann::json result = nlohmann::json::parse(line);
    for (const nlohmann::json& face : result.at("faces")) {
      const auto embedding = face.at("embedding").get<std::vector<float>>();
      ASSERT_LT(found, expected.size());
      EXPECT_THAT(embedding, ::testing::Pointwise(::testing::FloatNear(1e-6F), expected[found++]));
    }
  }
  EXPECT_EQ(found, expected.size());
  // Results of another recogniser are not gone on with.
  job_.recognizer.reset();
  job_.recognizer_name.clear();
  job_.resume = true;
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr(" embed"));
}

TEST_F(Job, IsRefusedBeforeAnyWorkWhereItContradictsItself) {
  job_.output = folder_ / "r.jsonl";
  job_.images.crops = true;
  const Error error = testing::error_of([&] { run(); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("out DIR is missing"));
  EXPECT_FALSE(fs::exists(job_.output));
}

TEST_F(Job, WantsNoMeshesOfAModelWithoutThem) {
  const Detector without("shallow-700m");
  job_.output = folder_ / "r.jsonl";
  job_.fields.mesh = true;
  const Error error = testing::error_of([&] { run_detection(job_, without, events_, stop_); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("no mesh branch"));
  EXPECT_THAT(messages_, IsEmpty());
  EXPECT_FALSE(fs::exists(job_.output));
}

TEST_F(Job, WritesNoInput) {
  job_.output = folder_ / "turned.jpg";
  job_.overwrite = true;
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr("is an input"));
  EXPECT_THAT(results_, IsEmpty());
  job_.output = folder_ / "list";
  std::ofstream(folder_ / "list") << "portrait.jpg\n";
  job_.read = {folder_ / "list"};
  EXPECT_THAT(testing::error_of([&] { run(); }).what(), HasSubstr("is an input"));
}

TEST_F(Job, EndsWhenItIsStopped) {
  events_.result = [this](const ImageResult&) { stop_ = true; };
  job_.threads = 1;
  const DetectionSummary summary = run();
  EXPECT_EQ(summary.done, 1U);
  EXPECT_TRUE(summary.was_interrupted);
}

TEST_F(Job, FollowsFacesThroughVideosAndWritesThem) {
  job_.inputs = find_inputs({(testing::fixture_folder() / "videos/bt709.mp4").string()});
  job_.images = {.folder = folder_ / "v.mp4", .draw = true};
  const DetectionSummary summary = run();
  EXPECT_EQ(summary.done, 10U);
  EXPECT_TRUE(summary.has_videos);
  EXPECT_TRUE(fs::exists(folder_ / "v.mp4"));
}

}  // namespace
}  // namespace retinaface::pipeline
