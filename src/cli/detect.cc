#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
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
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/progress.h"
#include "cli/tell.h"
#include "cli/threads_option.h"
#include "cli/type_option.h"
#include "cli/values.h"
#include "image/draw.h"
#include "models/catalogue.h"
#include "pipeline/detection_job.h"
#include "pipeline/inputs.h"
#include "pipeline/job_check.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string list;
  std::string format;  ///< empty: as the extension of job.output says
  std::string background = "white";
  bool null = false;  ///< the list's names have zero bytes between them
  bool quiet = false;
  bool verbose = false;
  std::string draw_style = "boxes";
  pipeline::DetectionJob job;  ///< what is said of it; its inputs are filled in later
};

pipeline::DrawStyle draw_style_of(const std::string& name) {
  if (name == "wireframe") return pipeline::DrawStyle::kWireframe;
  return name == "shaded" ? pipeline::DrawStyle::kShaded : pipeline::DrawStyle::kBoxes;
}

void refuse(const std::string& fault) {
  if (!fault.empty()) throw UsageError(fault);
}

void check(const Options& options) {
  refuse(pipeline::job_fault(options.job));
  if (options.null && options.list.empty()) {
    throw UsageError("--null: expected --list FILE with it");
  }
  if (options.inputs.empty() && options.list.empty()) {
    throw UsageError("expected images, videos or folders, or --list FILE");
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

pipeline::DetectionJob job_of(const Options& options, pipeline::LeftOut& left_out) {
  pipeline::DetectionJob job = options.job;
  std::vector<std::string> arguments = options.inputs;
  if (!options.list.empty()) {
    job.read.emplace_back(options.list);
    const std::vector<std::string> listed =
        pipeline::read_list(options.list, options.null ? '\0' : '\n', kOptionSpelling);
    if (options.null && listed.size() == 1 && listed[0].find('\n') != std::string::npos &&
        !path_exists(listed[0])) {
      fail(ErrorCode::kBadData,
           "{}: expected names with zero bytes between them, found lines; leave out --null",
           printable(options.list));
    }
    arguments.insert(arguments.end(), listed.begin(), listed.end());
  }
  job.inputs = pipeline::find_inputs(arguments, job.images.folder, &left_out);
  explain_addresses(job.inputs, true);
  if (job.inputs.empty()) {
    job.inputs.push_back({options.list, "expected names of images, videos or folders, found none"});
  }
  if (job.all_frames) pipeline::want_all_frames(job.inputs, job.max_pixels);
  if (!job.recognizer_name.empty()) job.recognizer.emplace(job.recognizer_name);
  refuse(pipeline::job_fault(job));  // now that its inputs are known
  if (job.output.empty() && !job.writes_wider()) job.output = pipeline::kStandardStream;
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
  if (options.format.empty()) options.format = pipeline::result_format_of(options.job.output);
  if (!options.format.empty()) options.job.format = options.format;
  options.job.images.draw_style = draw_style_of(options.draw_style);
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
  if (!options.quiet) {
    const bool is_left = !summary.frames_left.empty();
    tell_what_was_left(left_out, summary.frames_left + (is_left ? "; --all-frames reads all" : ""));
  }
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
  app.add_option("-o,--output", options.job.output,
                 "file for the results, .jsonl, .json or .csv (default: standard output)")
      ->check(name_ending_in({".jsonl", ".json", ".csv"}));
  app.add_option("--out", options.job.images.folder,
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
  options->job.spelling = kOptionSpelling;
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
