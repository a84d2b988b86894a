#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "retinaface/retinaface.h"

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/command.h"
#include "cli/input_addresses.h"
#include "cli/interruption.h"
#include "cli/job_option.h"
#include "cli/left_inputs.h"
#include "cli/overwrite_option.h"
#include "cli/progress.h"
#include "cli/tell.h"
#include "cli/threads_option.h"
#include "cli/type_option.h"
#include "cli/values.h"
#include "image/codecs/image_name.h"
#include "image/draw.h"
#include "models/catalogue.h"
#include "pipeline/detection_job.h"
#include "pipeline/inputs.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string list;
  std::string format;  ///< empty: as the extension of `output` says
  std::string output;
  std::string out;
  std::string background = "white";
  bool null = false;  ///< the list's names have zero bytes between them
  bool quiet = false;
  bool verbose = false;
  std::string draw_style = "boxes";
  pipeline::DetectionJob job;  ///< what is said of it; inputs and outputs are filled in later
};

pipeline::DrawStyle draw_style_of(const std::string& name) {
  if (name == "wireframe") return pipeline::DrawStyle::kWireframe;
  return name == "shaded" ? pipeline::DrawStyle::kShaded : pipeline::DrawStyle::kBoxes;
}

/// Refuses names of images and videos of kinds that are read but not written: a folder of that name
/// is not what was meant. With '/' behind it a name is a folder's.
void check_kind_of_out(const std::string& out) {
  const std::string extension = lower_case_extension(out);
  const auto is_one_of = [&](std::span<const std::string_view> extensions) {
    return std::ranges::find(extensions, extension) != extensions.end();
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(out, ignored)) return;
  const char* written = nullptr;
  if (is_one_of(image_extensions()) && !can_write_image(out)) {
    written = "images are written as .jpg, .png or .webp";
  } else if (is_one_of(video_extensions()) && !pipeline::is_video_place(out)) {
    written = "videos are written as .mp4, .m4v, .mov or .mkv";
  }
  if (written == nullptr) return;
  throw UsageError(fmt::format("--out: {}, found {}; a folder of that name is named {}/", written,
                               printable(out), printable(out)));
}

/// Refuses what only says how something is written that is not asked for.
void check_modifiers(const Options& options) {
  const pipeline::ImageOutputs& images = options.job.images;
  if (images.draw_style != pipeline::DrawStyle::kBoxes && !images.draw) {
    throw UsageError("--draw-style: goes with --draw");
  }
  if (images.blur && images.draw_style == pipeline::DrawStyle::kShaded) {
    throw UsageError("--draw-style shaded: shows faces as they look, which --blur hides");
  }
  if (images.aligned_side_px != pipeline::ImageOutputs{}.aligned_side_px && !images.aligned) {
    throw UsageError("--align-size: goes with --aligned");
  }
  if (images.write.jpeg_quality != WriteOptions{}.jpeg_quality && !images.annotates()) {
    throw UsageError("--jpeg-quality: goes with --draw or --blur, which may write JPEG images");
  }
  if (!images.sound && !images.annotates()) {
    throw UsageError("--no-audio: goes with --draw or --blur of videos");
  }
  if (options.null && options.list.empty()) {
    throw UsageError("--null: expected --list FILE with it");
  }
}

void check(const Options& options) {
  check_kind_of_out(options.out);
  check_modifiers(options);
  const bool is_json = options.job.format == "jsonl" || options.job.format == "json";
  if (options.job.fields.any() && !is_json) {
    throw UsageError(fmt::format(
        "--mesh, --landmarks 68 and --face-quality: go with --format jsonl or json, found {}",
        options.job.format));
  }
  if (!options.job.recognizer_name.empty() && !is_json) {
    throw UsageError(
        fmt::format("--embed: goes with --format jsonl or json, found {}", options.job.format));
  }
  if (options.inputs.empty() && options.list.empty()) {
    throw UsageError("expected images, videos or folders, or --list FILE");
  }
  if (options.job.images.any() && options.out.empty()) {
    throw UsageError("--draw, --blur, --crops and --aligned: --out DIR is missing");
  }
  if (options.job.writes_wider() && options.out.empty()) {
    throw UsageError("--format wider: --out DIR is missing");
  }
  const bool is_file =
      pipeline::is_video_place(options.out) || pipeline::is_image_place(options.out);
  if (is_file && !options.job.images.annotates()) {
    throw UsageError(
        "--out: expected a folder, found the name of an image or video, which goes "
        "with --draw and --blur");
  }
  if (is_file &&
      (options.job.writes_wider() || options.job.images.crops || options.job.images.aligned)) {
    throw UsageError(
        "--crops, --aligned and --format wider: expected a folder as --out, found the "
        "name of an image or video");
  }
  if (!options.out.empty() && !options.job.images.any() && !options.job.writes_wider()) {
    throw UsageError(
        "--out: say what to write there: --draw, --blur, --crops, --aligned or "
        "--format wider");
  }
  if (options.job.writes_wider() && !options.output.empty()) {
    throw UsageError("--output: --format wider writes to --out");
  }
  if (options.job.resume && !options.job.writes_wider() &&
      (options.job.format != "jsonl" || options.output.empty())) {
    throw UsageError("--resume: takes --format jsonl with --output FILE, or --format wider");
  }
}

/// "white", "black" or "#1a2b3c".
std::array<std::uint8_t, 3> parse_color(const std::string& text) {
  if (text == "white") return {255, 255, 255};
  if (text == "black") return {0, 0, 0};
  std::uint32_t rgb = 0;
  const char* const end = text.data() + text.size();
  const bool has_form = text.size() == 7 && text[0] == '#';
  const auto result = std::from_chars(text.data() + (has_form ? 1 : 0), end, rgb, 16);
  if (!has_form || result.ec != std::errc() || result.ptr != end) {
    throw UsageError(fmt::format(
        "--background: expected white, black or a color like #1a2b3c, found '{}'", text));
  }
  return color_of(rgb);
}

/// Refuses the name of a file as --out where it cannot hold all that is written.
void check_place_of_one(const std::string& out, const std::vector<pipeline::Input>& inputs) {
  const bool is_video = pipeline::is_video_place(out);
  if (!is_video && !pipeline::is_image_place(out)) return;
  const char* const kind = is_video ? "a video" : "an image";
  if (inputs.size() != 1) {
    throw UsageError(
        fmt::format("--out: the name of {0} goes with one input that gives {0}, found {1} inputs; "
                    "else name a folder",
                    kind, inputs.size()));
  }
  const pipeline::FrameKind given = pipeline::frame_kind(inputs[0]);
  if (given == (is_video ? pipeline::FrameKind::kVideo : pipeline::FrameKind::kImage)) return;
  const char* const written = given == pipeline::FrameKind::kVideo
                                  ? "frames are written as a video: name an .mp4 or a folder"
                              : given == pipeline::FrameKind::kPages
                                  ? "pages are written as an image each: name a folder"
                                  : "image is written as one: name a .png, .jpg, .webp or a folder";
  throw UsageError(fmt::format("--out: expected no name of {}, as the input's {}", kind, written));
}

pipeline::DetectionJob job_of(const Options& options, pipeline::LeftOut& left_out) {
  pipeline::DetectionJob job = options.job;
  std::vector<std::string> arguments = options.inputs;
  if (!options.list.empty()) {
    job.read.emplace_back(options.list);
    const std::vector<std::string> listed =
        pipeline::read_list(options.list, options.null ? '\0' : '\n');
    if (options.null && listed.size() == 1 && listed[0].find('\n') != std::string::npos &&
        !path_exists(listed[0])) {
      fail(ErrorCode::kBadData,
           "{}: expected names with zero bytes between them, found lines; leave out --null",
           printable(options.list));
    }
    arguments.insert(arguments.end(), listed.begin(), listed.end());
  }
  job.inputs = pipeline::find_inputs(arguments, options.out, &left_out);
  explain_addresses(job.inputs, true);
  if (job.inputs.empty()) {
    job.inputs.push_back({options.list, "expected names of images, videos or folders, found none"});
  }
  if (job.all_frames) pipeline::want_all_frames(job.inputs, job.max_pixels);
  if (!job.recognizer_name.empty()) job.recognizer.emplace(job.recognizer_name);
  job.images.folder = options.out;
  job.output = options.output.empty() ? pipeline::kStandardStream : options.output;
  check_place_of_one(options.out, job.inputs);
  return job;
}

/// What is told on standard error while a job goes on.
pipeline::DetectionEvents events_of(const Options& options, const pipeline::DetectionJob& job,
                                    ProgressLine& progress) {
  pipeline::DetectionEvents events;
  events.message = [&progress](const std::string& line) {
    progress.hide();
    tell("retinaface: {}\n", line);
  };
  if (options.verbose) {
    events.begun = [&job](std::size_t inputs, std::size_t left, int threads) {
      tell("retinaface: model {}, {}, {} done before, {}\n", job.model, counted(inputs, "input"),
           inputs - left, counted(static_cast<std::size_t>(threads), "thread"));
    };
  }
  const bool writes_to_terminal = !job.writes_file() && ::isatty(STDOUT_FILENO) == 1;
  if (!options.quiet && !writes_to_terminal) {
    events.progress = [&progress](std::size_t done, std::size_t of) { progress.show(done, of); };
  }
  return events;
}

/// "3 images", "1 image or frame".
std::string counted_images(std::size_t count, const pipeline::DetectionSummary& summary) {
  if (!summary.has_videos) return counted(count, "image");
  return count == 1 ? "1 image or frame" : fmt::format("{} images and frames", count);
}

/// Tells how the job ended; returns the exit code.
int conclude(const Options& options, const pipeline::DetectionSummary& summary, double seconds) {
  if (!options.quiet && !options.verbose && ::isatty(STDERR_FILENO) == 1) {
    tell("retinaface: {}, {}, {:.1f} s\n", counted_images(summary.done, summary),
         counted(summary.faces, "face"), seconds);
  }
  if (options.verbose && summary.done > 0) {
    tell("retinaface: {}, {}, {:.2f} ms each, {} failed\n", counted_images(summary.done, summary),
         counted(summary.faces, "face"), summary.ms / static_cast<double>(summary.done),
         summary.failed);
  }
  if (summary.was_interrupted) {
    const std::size_t ended = summary.done + summary.failed;
    const auto expected = static_cast<std::size_t>(summary.expected);
    tell("retinaface: interrupted after {}{}\n", expected > 0 ? fmt::format("{} of ", ended) : "",
         counted_images(expected > 0 ? expected : ended, summary));
    return kInterrupted;
  }
  return summary.failed == 0 ? kSuccess : kSomeFailed;
}

int run(Options& options) {
  if (options.format.empty()) options.format = pipeline::result_format_of(options.output);
  if (!options.format.empty()) options.job.format = options.format;
  options.job.images.draw_style = draw_style_of(options.draw_style);
  if (options.job.refines_unseen()) {
    throw UsageError(
        "--mesh-refine: expected something that shows meshes with it: --mesh, --mesh-out, "
        "--landmarks 68, or --draw-style wireframe or shaded");
  }
  check(options);
  options.job.background = parse_color(options.background);
  // What "auto" came to is what --resume compares.
  const auto [detector, type] =
      open_typed_detector(options.job.model, options.job.backend, options.job.type);
  options.job.type = type;
  pipeline::LeftOut left_out;
  const pipeline::DetectionJob job = job_of(options, left_out);
  const auto start = std::chrono::steady_clock::now();
  ProgressLine progress("detecting");
  const pipeline::DetectionEvents events = events_of(options, job, progress);
  const pipeline::DetectionSummary summary =
      pipeline::run_detection(job, detector, events, end_cleanly_when_interrupted());
  progress.hide();
  print_differences(detector);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!options.quiet) tell_what_was_left(left_out, summary.frames_left);
  return conclude(options, summary, took.count());
}

void declare_selection(CLI::App& app, Options& options) {
  for (const char* name :
       {"min-score", "nms", "max-faces", "min-size", "clip", "scales", "turned", "tile"}) {
    add_job_option(app, name, options.job);
  }
  app.add_option("--background", options.background,
                 "what transparent images are laid on: white, black or a color like #1a2b3c")
      ->capture_default_str();
  app.add_flag("--strict", options.job.strict,
               "refuse images that lack only their end; otherwise one line says so, and the rest "
               "is gray");
  app.add_option("--max-pixels", options.job.max_pixels, "refuse images of more pixels than this")
      ->check(whole_number(1))
      ->capture_default_str();
}

void declare_output(CLI::App& app, Options& options) {
  app.add_option("--format", options.format,
                 "jsonl: one line of JSON an image or frame; json: one array of them; csv: one row "
                 "a face; coco: one JSON document; wider: OUT/EVENT/NAME.txt (default: as the "
                 "extension of --output says, .jsonl, .json or .csv, else jsonl)")
      ->check(one_of({pipeline::result_formats().begin(), pipeline::result_formats().end()}));
  app.add_option("-o,--output", options.output,
                 "file for the results, .jsonl, .json or .csv (default: standard output)")
      ->check(name_ending_in({".jsonl", ".json", ".csv"}));
  app.add_option("--out", options.out,
                 "folder for images, videos and for --format wider; or the file of one image "
                 "(.jpg, .png, .webp) or video (.mp4, .m4v, .mov, .mkv)");
  app.add_flag("--draw", options.job.images.draw,
               "write each image or video with its faces drawn on it");
  app.add_option("--draw-style", options.draw_style,
                 "what --draw draws: boxes; wireframe: the edges of each face's mesh; shaded: the "
                 "mesh as it is lit")
      ->check(one_of({"boxes", "wireframe", "shaded"}))
      ->capture_default_str();
  add_job_option(app, "mesh", options.job);
  add_job_option(app, "mesh-refine", options.job);
  app.add_option("--mesh-out", options.job.images.mesh_folder,
                 "folder for each face's mesh with its colors, .obj and .ply");
  add_job_option(app, "landmarks", options.job);
  add_job_option(app, "face-quality", options.job);
  app.add_option("--embed", options.job.recognizer_name,
                 "give each face its vector by this model file of a recogniser (retinaface import; "
                 "doc/verification.md): `embedding` in JSON");
  app.add_flag("--blur", options.job.images.blur,
               "write each image or video with its faces made unrecognisable");
  app.add_flag(
      "--no-audio", [images = &options.job.images](std::int64_t) { images->sound = false; },
      "leave the sound out of drawn and blurred videos; otherwise it is copied as it is");
  app.add_flag("--crops", options.job.images.crops, "write each face, with a margin");
  app.add_flag("--aligned", options.job.images.aligned,
               "write each face turned and scaled to 112x112, as recognisers take it");
  add_job_option(app, "align-size", options.job);
  add_job_option(app, "jpeg-quality", options.job);
  app.add_flag("--resume", options.job.resume,
               "leave out images and frames whose results are there already; the options must be "
               "those of the run that is gone on with");
  add_overwrite_option(app, options.job.overwrite);
}

}  // namespace

Action declare_detect(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->job.model = models::kDefaultModel;
  app.add_option("INPUT", options->inputs,
                 "images, videos, folders that are searched for them (without linked folders and "
                 "what this program wrote), patterns like 'a/*.jpg', "
                 "cameras (/dev/video0), addresses of streams (rtsp://...), or - for an image on "
                 "standard input");
  app.add_option("--list", options->list,
                 "read more of these from a file, one a line; - is standard input");
  app.add_flag("--null", options->null,
               "names in --list end with a zero byte, as `find -print0` writes them");
  app.add_option("--every", options->job.every, "take every Nth frame of videos")
      ->check(whole_number(1))
      ->capture_default_str();
  app.add_flag(
      "--all-frames", options->job.all_frames,
      "look at all frames of animated images, as of videos, and at all pages; otherwise at "
      "the first, which one line at the end says");
  app.add_option("--model", options->job.model,
                 "name of a model (retinaface models), or a .safetensors file")
      ->capture_default_str();
  add_backend_option(app, options->job.backend);
  add_type_option(app, options->job.type);
  declare_selection(app, *options);
  declare_output(app, *options);
  add_threads_option(app, options->job.threads, "images or frames worked on at once");
  app.add_flag("--quiet", options->quiet, "say nothing but errors");
  app.add_flag("--verbose", options->verbose, "say what is done and how long it took");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
