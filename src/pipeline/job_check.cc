#include "pipeline/job_check.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "image/codecs/image_name.h"
#include "image/codecs/write_options.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// An option, or one of its values.
struct Choice {
  std::string_view option;
  std::string_view value = {};
};

/// "mesh, mesh-out or landmarks 68", of those that there are.
std::string one_of(std::initializer_list<Choice> choices, const OptionSpelling& name) {
  std::vector<std::string> names;
  for (const auto& [option, value] : choices) {
    const bool is_taken =
        name.taken.empty() || std::ranges::find(name.taken, option) != name.taken.end();
    if (is_taken) names.push_back(name(option, value));
  }
  if (names.size() < 2) return fmt::format("{}", fmt::join(names, ""));
  const std::string last = names.back();
  names.pop_back();
  return fmt::format("{} or {}", fmt::join(names, ", "), last);
}

/// Names of images and videos of kinds that are read but not written: a folder of that name is not
/// what was meant. With '/' behind it a name is a folder's.
std::string kind_fault(const DetectionJob& job) {
  const OptionSpelling& name = job.spelling;
  const fs::path& out = job.images.folder;
  const std::string extension = lower_case_extension(out);
  const auto is_one_of = [&](std::span<const std::string_view> extensions) {
    return std::ranges::find(extensions, extension) != extensions.end();
  };
  std::error_code ignored;
  if (fs::is_directory(out, ignored)) return {};
  const char* written = nullptr;
  if (is_one_of(image_extensions()) && !is_image_place(out)) {
    written = "images are written as .jpg, .png or .webp";
  } else if (is_one_of(video_extensions()) && !is_video_place(out)) {
    written = "videos are written as .mp4, .m4v, .mov or .mkv";
  }
  if (written == nullptr) return {};
  return fmt::format("{}: {}, found {}; a folder of that name is named {}/", name("out"), written,
                     printable(out), printable(out));
}

/// What only says how something is written that is not asked for.
std::string modifier_fault(const DetectionJob& job) {
  const OptionSpelling& name = job.spelling;
  const ImageOutputs& images = job.images;
  const ImageOutputs initial;
  if (images.draw_style != DrawStyle::kBoxes && !images.draw) {
    return fmt::format("{}: goes with {}", name("draw-style"), name("draw"));
  }
  if (images.blur && images.draw_style == DrawStyle::kShaded) {
    return fmt::format("{}: shows faces as they look, which {} hides", name("draw-style", "shaded"),
                       name("blur"));
  }
  if (images.aligned_side_px != initial.aligned_side_px && !images.aligned) {
    return fmt::format("{}: goes with {}", name("align-size"), name("aligned"));
  }
  if (images.write.jpeg_quality != initial.write.jpeg_quality && !images.annotates()) {
    return fmt::format("{}: goes with {} or {}, which may write JPEG images", name("jpeg-quality"),
                       name("draw"), name("blur"));
  }
  if (!images.sound && !images.annotates()) {
    return fmt::format("{}: goes with {} or {} of videos", name("no-audio"), name("draw"),
                       name("blur"));
  }
  return {};
}

/// What a format of results cannot hold.
std::string format_fault(const DetectionJob& job) {
  const OptionSpelling& name = job.spelling;
  if (job.format == "jsonl" || job.format == "json") return {};
  const auto fault = [&](const std::string& options, const char* go) {
    return fmt::format("{}: {} with {} or json, found {}", options, go, name("format", "jsonl"),
                       job.format);
  };
  if (job.fields.any()) {
    const std::string options =
        fmt::format("{}, {} and {}", name("mesh"), name("landmarks", "68"), name("face-quality"));
    return fault(options, "go");
  }
  return job.recognizer_name.empty() ? "" : fault(name("embed"), "goes");
}

/// Where images and results go.
std::string place_fault(const DetectionJob& job) {
  const OptionSpelling& name = job.spelling;
  const fs::path& out = job.images.folder;
  const std::string wider = name("format", "wider");
  const std::string annotations = fmt::format("{} and {}", name("draw"), name("blur"));
  if (job.images.any() && out.empty()) {
    return fmt::format("{}, {}, {} and {}: {} is missing", name("draw"), name("blur"),
                       name("crops"), name("aligned"), name("out", "DIR"));
  }
  if (job.writes_wider() && out.empty()) {
    return fmt::format("{}: {} is missing", wider, name("out", "DIR"));
  }
  const bool is_file = is_video_place(out) || is_image_place(out);
  if (is_file && !job.images.annotates()) {
    return fmt::format(
        "{}: expected a folder, found the name of an image or video, which goes with {}",
        name("out"), annotations);
  }
  if (is_file && (job.writes_wider() || job.images.crops || job.images.aligned)) {
    return fmt::format(
        "{}, {} and {}: expected a folder as {}, found the name of an image or video",
        name("crops"), name("aligned"), wider, name("out"));
  }
  if (!out.empty() && !job.images.any() && !job.writes_wider()) {
    return fmt::format("{}: say what to write there: {}, {}, {}, {} or {}", name("out"),
                       name("draw"), name("blur"), name("crops"), name("aligned"), wider);
  }
  if (job.writes_wider() && !job.output.empty()) {
    return fmt::format("{}: {} writes to {}", name("output"), wider, name("out"));
  }
  if (job.resume && !job.writes_wider() && (job.format != "jsonl" || job.output.empty())) {
    return fmt::format("{}: takes {} with {}, or {}", name("resume"), name("format", "jsonl"),
                       name("output", "FILE"), wider);
  }
  return {};
}

/// The name of a file that cannot hold all that is written.
std::string file_fault(const DetectionJob& job) {
  const OptionSpelling& name = job.spelling;
  const bool is_video = is_video_place(job.images.folder);
  if (job.inputs.empty() || (!is_video && !is_image_place(job.images.folder))) return {};
  const char* const kind = is_video ? "a video" : "an image";
  if (job.inputs.size() != 1) {
    return fmt::format(
        "{0}: the name of {1} goes with one input that gives {1}, found {2} inputs; else name a "
        "folder",
        name("out"), kind, job.inputs.size());
  }
  const FrameKind given = frame_kind(job.inputs[0]);
  if (given == (is_video ? FrameKind::kVideo : FrameKind::kImage)) return {};
  const char* const written = given == FrameKind::kVideo
                                  ? "frames are written as a video: name an .mp4 or a folder"
                              : given == FrameKind::kPages
                                  ? "pages are written as an image each: name a folder"
                                  : "image is written as one: name a .png, .jpg, .webp or a folder";
  return fmt::format("{}: expected no name of {}, as the input's {}", name("out"), kind, written);
}

}  // namespace

std::string faces_fault(const DetectionJob& job) {
  const OptionSpelling& name = job.spelling;
  if (!job.detect.refine_mesh || job.needs_meshes()) return {};
  return fmt::format("{}: expected {} with it", name("mesh-refine"),
                     one_of({{"mesh"},
                             {"mesh-out"},
                             {"landmarks", "68"},
                             {"draw-style", "wireframe"},
                             {"draw-style", "shaded"}},
                            name));
}

std::string job_fault(const DetectionJob& job) {
  for (const auto& rule :
       {faces_fault, kind_fault, modifier_fault, format_fault, place_fault, file_fault}) {
    std::string fault = rule(job);
    if (!fault.empty()) return fault;
  }
  return {};
}

}  // namespace retinaface::pipeline
