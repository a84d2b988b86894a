#include "pipeline/job_request.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/job_options.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

using ::testing::Contains;

/// The options whose values differ.
std::vector<std::string> differences(const Request& one, const Request& other) {
  const auto value_in = [](const Request& request, const std::string& option) {
    const auto found = std::ranges::find(request, option, &Request::value_type::first);
    return found == request.end() ? "" : found->second;
  };
  std::vector<std::string> options;
  for (const Request* const request : {&one, &other}) {
    for (const auto& [option, value] : *request) {
      if (value_in(one, option) != value_in(other, option)) options.push_back(option);
    }
  }
  return options;
}

/// The job with another value of the option than its default.
DetectionJob job_with(const JobOption& option) {
  const std::string initial = option_text(option, {});
  for (const char* const text : {"true", "68", "0.5,2", "0.25", "3", "224", "2000"}) {
    DetectionJob job;
    if (set_option(option, text, job).empty() && option_text(option, job) != initial) return job;
  }
  ADD_FAILURE() << option.name << ": no other value is known here";
  return {};
}

TEST(JobRequest, HasEachOptionOfTheTable) {
  for (const JobOption& option : job_options()) {
    EXPECT_THAT(differences(request_of({}), request_of(job_with(option))),
                Contains(std::string(option.name)));
  }
}

TEST(JobRequest, HasWhatElseResultsDependOn) {
  // A member that is added does not compile here until request_of has it, or must not.
  [[maybe_unused]] const auto& [inputs, read, model, backend, type, detect, every, max_pixels,
                                background, strict, all_frames, format, output, images, fields,
                                recognizer, recognizer_name, resume, overwrite, threads, spelling] =
      DetectionJob();
  [[maybe_unused]] const auto& [folder, draw, draw_style, blur, sound, crops, aligned, side, write,
                                mesh_folder] = ImageOutputs();
  const std::pair<const char*, std::function<void(DetectionJob&)>> changes[] = {
      {"model", [](DetectionJob& job) { job.model = "mnet025"; }},
      {"backend", [](DetectionJob& job) { job.backend = "reference"; }},
      {"type", [](DetectionJob& job) { job.type = "bfloat16"; }},
      {"every", [](DetectionJob& job) { job.every = 2; }},
      {"background", [](DetectionJob& job) { job.background = {}; }},
      {"strict", [](DetectionJob& job) { job.strict = true; }},
      {"all-frames", [](DetectionJob& job) { job.all_frames = true; }},
      {"format", [](DetectionJob& job) { job.format = "csv"; }},
      {"draw", [](DetectionJob& job) { job.images.draw = true; }},
      {"draw-style", [](DetectionJob& job) { job.images.draw_style = DrawStyle::kShaded; }},
      {"blur", [](DetectionJob& job) { job.images.blur = true; }},
      {"no-audio", [](DetectionJob& job) { job.images.sound = false; }},
      {"crops", [](DetectionJob& job) { job.images.crops = true; }},
      {"aligned", [](DetectionJob& job) { job.images.aligned = true; }},
      {"mesh-out", [](DetectionJob& job) { job.images.mesh_folder = "m"; }},
      {"embed", [](DetectionJob& job) { job.recognizer_name = "r.safetensors"; }}};
  for (const auto& [option, change] : changes) {
    DetectionJob job;
    change(job);
    EXPECT_THAT(differences(request_of({}), request_of(job)), Contains(option));
  }
  DetectionJob one;
  one.images = {.folder = "out", .crops = true};
  DetectionJob other = one;
  other.images.folder = "other";
  EXPECT_THAT(differences(request_of(one), request_of(other)), Contains("out"));
}

/// Records as version 0.1 wrote them.
TEST(JobRequest, IsThatOfRecordsOfEarlierVersions) {
  const testing::TemporaryFolder folder;
  const RequestRecord record(folder / "r.jsonl.request", folder / "r.jsonl");
  std::ofstream(record.file()) << R"({"origin": "written by retinaface", "request": {
      "--aligned": "", "--all-frames": "", "--backend": "", "--blur": "", "--clip": "",
      "--crops": "", "--draw": "", "--every": "1", "--format": "jsonl", "--max-faces": "",
      "--min-score": "0.6", "--min-size": "", "--model": "mnet025", "--nms": "0.4",
      "--scales": "auto", "--strict": "", "--tile": "4096", "--turned": "", "--type": ""}})";
  DetectionJob job;
  job.model = "mnet025";
  EXPECT_TRUE(record.is_of(request_of(job)));
  std::ofstream(record.file()) << R"({"origin": "written by retinaface", "request": {
      "--align-size": "224", "--aligned": "yes", "--all-frames": "yes", "--backend": "",
      "--background": "#102030", "--blur": "yes", "--clip": "yes", "--crops": "yes",
      "--draw": "yes", "--draw-style": "wireframe", "--every": "2", "--face-quality": "yes",
      "--format": "jsonl", "--jpeg-quality": "80", "--landmarks": "68", "--max-faces": "3",
      "--mesh": "yes", "--mesh-out": "m", "--mesh-refine": "yes", "--min-score": "0.25",
      "--min-size": "12.5", "--model": "mnet025", "--nms": "0.5", "--no-audio": "yes",
      "--out": "out", "--scales": "0.5,1,2", "--strict": "yes", "--tile": "0",
      "--turned": "yes", "--type": ""}})";
  EXPECT_FALSE(record.is_of(request_of(job)));
  job.detect = {.min_score = 0.25F,
                .nms_iou = 0.5F,
                .scales = {0.5F, 1, 2},
                .tile_px = 0,
                .max_faces = 3,
                .min_size_px = 12.5F,
                .clip_to_image = true,
                .refine_mesh = true,
                .turned = true};
  job.every = 2;
  job.background = {0x10, 0x20, 0x30};
  job.strict = true;
  job.all_frames = true;
  job.fields = {.mesh = true, .landmarks = kDenseLandmarks, .quality = true};
  job.images = {.folder = "out/",
                .draw = true,
                .draw_style = DrawStyle::kWireframe,
                .blur = true,
                .sound = false,
                .crops = true,
                .aligned = true,
                .aligned_side_px = 224,
                .mesh_folder = "./m"};
  job.images.write.jpeg_quality = 80;
  record.check(request_of(job));
}

}  // namespace
}  // namespace retinaface::pipeline
