#include "pipeline/job_check.h"

#include <functional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

using ::testing::HasSubstr;

/// What is said of a job that is changed so, as the command line has it.
std::string fault_where(const std::function<void(DetectionJob&)>& change) {
  DetectionJob job;
  job.spelling = {.prefix = "--"};
  change(job);
  return job_fault(job);
}

TEST(JobCheck, FindsNothingInAPlainJob) {
  EXPECT_EQ(job_fault({}), "");
  EXPECT_EQ(fault_where([](DetectionJob& job) {
              job.images = {.folder = "out", .draw = true, .blur = true, .crops = true};
              job.images.write.jpeg_quality = 80;
            }),
            "");
  EXPECT_EQ(fault_where([](DetectionJob& job) {
              job.format = "wider";
              job.images.folder = "out";
              job.resume = true;
            }),
            "");
}

TEST(JobCheck, RefusesWhatContradictsItself) {
  const std::pair<std::function<void(DetectionJob&)>, const char*> jobs[] = {
      {[](DetectionJob& job) { job.detect.refine_mesh = true; },
       "--mesh-refine: expected --mesh, --mesh-out, --landmarks 68, --draw-style wireframe or "
       "--draw-style shaded with it"},
      {[](DetectionJob& job) { job.images = {.folder = "s.bmp", .draw = true}; },
       "--out: images are written as .jpg, .png or .webp, found s.bmp; a folder of that name is "
       "named s.bmp/"},
      {[](DetectionJob& job) { job.images = {.folder = "s.avi", .draw = true}; },
       "--out: videos are written as .mp4, .m4v, .mov or .mkv, found s.avi; a folder of that name "
       "is named s.avi/"},
      {[](DetectionJob& job) { job.images.draw_style = DrawStyle::kWireframe; },
       "--draw-style: goes with --draw"},
      {[](DetectionJob& job) {
         job.images = {.folder = "o", .draw = true, .draw_style = DrawStyle::kShaded, .blur = true};
       },
       "--draw-style shaded: shows faces as they look, which --blur hides"},
      {[](DetectionJob& job) { job.images.aligned_side_px = 224; },
       "--align-size: goes with --aligned"},
      {[](DetectionJob& job) { job.images.write.jpeg_quality = 80; },
       "--jpeg-quality: goes with --draw or --blur, which may write JPEG images"},
      {[](DetectionJob& job) { job.images.sound = false; },
       "--no-audio: goes with --draw or --blur of videos"},
      {[](DetectionJob& job) {
         job.format = "csv";
         job.fields.quality = true;
       },
       "--mesh, --landmarks 68 and --face-quality: go with --format jsonl or json, found csv"},
      {[](DetectionJob& job) {
         job.format = "coco";
         job.recognizer_name = "r.safetensors";
       },
       "--embed: goes with --format jsonl or json, found coco"},
      {[](DetectionJob& job) { job.images.aligned = true; },
       "--draw, --blur, --crops and --aligned: --out DIR is missing"},
      {[](DetectionJob& job) { job.format = "wider"; }, "--format wider: --out DIR is missing"},
      {[](DetectionJob& job) { job.images = {.folder = "a.png", .crops = true}; },
       "--out: expected a folder, found the name of an image or video, which goes with --draw and "
       "--blur"},
      {[](DetectionJob& job) { job.images = {.folder = "a.mp4", .draw = true, .crops = true}; },
       "--crops, --aligned and --format wider: expected a folder as --out, found the name of an "
       "image or video"},
      {[](DetectionJob& job) { job.images.folder = "out"; },
       "--out: say what to write there: --draw, --blur, --crops, --aligned or --format wider"},
      {[](DetectionJob& job) {
         job.format = "wider";
         job.images.folder = "out";
         job.output = "r.txt";
       },
       "--output: --format wider writes to --out"},
      {[](DetectionJob& job) { job.resume = true; },
       "--resume: takes --format jsonl with --output FILE, or --format wider"}};
  for (const auto& [change, expected] : jobs) EXPECT_EQ(fault_where(change), expected);
}

TEST(JobCheck, KnowsWhatTheNameOfAFileCanHold) {
  const testing::TemporaryFolder folder;
  const auto fault = [&](const char* out, const std::vector<Input>& inputs) {
    DetectionJob job;
    job.inputs = inputs;
    job.images = {.folder = folder / out, .draw = true};
    return job_fault(job);
  };
  const Input image = {testing::sample_folder() / "portrait.jpg", {}};
  const Input video = {testing::fixture_folder() / "videos/bt709.mp4", {}};
  Input pages = image;
  pages.frames = 2;
  pages.are_pages = true;
  EXPECT_EQ(fault("a.png", {image}), "");
  EXPECT_EQ(fault("a.mp4", {video}), "");
  EXPECT_EQ(fault("folder", {image, video}), "");
  EXPECT_EQ(fault("a.png", {image, video}),
            "out: the name of an image goes with one input that gives an image, found 2 inputs; "
            "else name a folder");
  EXPECT_THAT(fault("a.mp4", {image}), HasSubstr("input's image is written as one"));
  EXPECT_THAT(fault("a.png", {video}), HasSubstr("input's frames are written as a video"));
  EXPECT_THAT(fault("a.png", {pages}), HasSubstr("input's pages are written as an image each"));
}

TEST(JobCheck, NamesOptionsAsTheFrontDoorDoes) {
  DetectionJob job;
  job.detect.refine_mesh = true;
  constexpr std::string_view kTaken[] = {"min-score", "mesh", "mesh-refine", "landmarks"};
  job.spelling = {.before_value = "=", .taken = kTaken};
  EXPECT_EQ(faces_fault(job), "mesh-refine: expected mesh or landmarks=68 with it");
  job.fields.mesh = true;
  EXPECT_EQ(faces_fault(job), "");
}

}  // namespace
}  // namespace retinaface::pipeline
