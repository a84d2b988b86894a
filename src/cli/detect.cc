#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "retinaface/retinaface.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "base/stream.h"
#include "cli/backend_option.h"
#include "cli/command.h"
#include "cli/detect_options.h"
#include "cli/detection_report.h"
#include "cli/image_outputs.h"
#include "cli/image_source.h"
#include "cli/inputs.h"
#include "cli/interruption.h"
#include "cli/output_guard.h"
#include "cli/overwrite_option.h"
#include "cli/problem.h"
#include "cli/request_record.h"
#include "cli/result_file.h"
#include "cli/results.h"
#include "cli/thresholds.h"
#include "detection/tiles.h"
#include "image/encoded_size.h"
#include "video/video_kind.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

using Options = DetectCommandOptions;

void check(const Options& options) {
  if (options.detect.tile_px != 0 && options.detect.tile_px < detection::kMinTileSide) {
    throw UsageError(fmt::format("--tile: expected 0 or at least {}, found {}",
                                 detection::kMinTileSide, options.detect.tile_px));
  }
  if (options.inputs.empty() && options.list.empty()) {
    throw UsageError("expected images, videos or folders, or --list FILE");
  }
  if (options.images.any() && options.out.empty()) {
    throw UsageError("--draw, --blur, --crops and --aligned: --out DIR is missing");
  }
  if (options.writes_wider() && options.out.empty()) {
    throw UsageError("--format wider: --out DIR is missing");
  }
  if (options.writes_wider() && is_video_place(options.out)) {
    throw UsageError("--format wider: expected a folder as --out, found the name of a video");
  }
  if (!options.out.empty() && !options.images.any() && !options.writes_wider()) {
    throw UsageError(
        "--out: say what to write there: --draw, --blur, --crops, --aligned or "
        "--format wider");
  }
  if (options.writes_wider() && !options.output.empty()) {
    throw UsageError("--output: --format wider writes to --out");
  }
  if (options.resume && !options.writes_wider() &&
      (options.format != "jsonl" || options.output.empty())) {
    throw UsageError("--resume: takes --format jsonl with --output FILE, or --format wider");
  }
}

/// `interrupted` ends the wait for a pipe.
Image read(const Options& options, const fs::path& path, const std::atomic<bool>& interrupted) {
  const ReadOptions read_options = {.max_pixels = options.max_pixels};
  std::error_code ignored;
  const bool is_standard_input = path == kStandardInput;
  if (!is_standard_input && !fs::is_other(fs::status(path, ignored))) {
    return read_image(path, read_options);
  }
  const std::string name = is_standard_input ? "standard input" : printable(path);
  const std::uint64_t max_bytes = max_encoded_bytes(options.max_pixels);
  const std::vector<std::byte> encoded =
      is_standard_input ? read_stream(STDIN_FILENO, name, max_bytes, interrupted)
                        : read_stream(path, max_bytes, interrupted);
  if (video::is_video(encoded)) {
    fail(ErrorCode::kUnsupported, "{}: expected an image, found a video, which takes a file's name",
         name);
  }
  return decode_image(encoded, read_options, name);
}

/// Which of the faces found, sorted by score, the user wants.
std::vector<std::size_t> select(const Options& options, const std::vector<Face>& found) {
  std::vector<std::size_t> wanted;
  const auto maximum = static_cast<std::size_t>(options.max_faces);
  for (std::size_t i = 0; i < found.size() && (maximum == 0 || wanted.size() < maximum); ++i) {
    const bool is_sure = found[i].score >= options.detect.min_score;
    if (is_sure && is_large_enough(options, found[i])) wanted.push_back(i);
  }
  return wanted;
}

/// What the detector is to find: in videos also faces that are too faint for the result, which
/// carry tracks on.
DetectOptions detect_options(const Options& options, bool is_frame) {
  constexpr float kFaint = 0.1F;
  DetectOptions result = options.detect;
  if (is_frame) result.min_score = std::min(result.min_score, kFaint);
  return result;
}

Outcome detect(const Detector& detector, const Options& options,
               const std::atomic<bool>& interrupted, InputImage image) {
  Outcome outcome{std::move(image)};
  InputImage& in = outcome.image;
  if (!in.problem.empty() || in.is_end_of_video()) return outcome;
  in.problem = problem_of(in.path, [&] {
    const bool is_frame = in.frame.has_value();
    if (!is_frame) in.image = read(options, in.path, interrupted);
    const auto start = std::chrono::steady_clock::now();
    outcome.found = detector.detect(in.image, detect_options(options, is_frame));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    outcome.wanted = select(options, outcome.found);
    ImageResult result{in.path, in.image.width(), in.image.height(), {}, took.count(), in.frame};
    for (const std::size_t i : outcome.wanted) result.faces.push_back(outcome.found[i]);
    write_faces(options.images, in.path, in.frame, in.image, result.faces);
    if (!is_frame && options.images.annotates()) {
      annotate(options.images, result.faces, {}, in.image);
      write_annotated(options.images, in.path, in.image);
    }
    // A video's images are annotated when they have their tracks.
    if (!is_frame || !options.images.annotates()) in.image = Image();
    outcome.result = std::move(result);
  });
  outcome.was_interrupted = !in.problem.empty() && interrupted;
  return outcome;
}

/// All that results and written images depend on.
Request request_of(const Options& options) {
  const auto yes = [](bool is_set) { return std::string(is_set ? "yes" : ""); };
  const auto number = [](auto value) { return value == 0 ? std::string() : fmt::to_string(value); };
  std::string model = options.model;
  std::error_code ignored;
  if (fs::is_regular_file(model, ignored)) {
    const std::vector<std::byte> bytes = read_file(model);
    const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    model += fmt::format(" (checksum {:08x})", crc32c(content));
  }
  Request request = {{"--model", model},
                     {"--backend", options.backend},
                     {"--format", options.format},
                     {"--min-score", fmt::to_string(options.detect.min_score)},
                     {"--nms", fmt::to_string(options.detect.nms_iou)},
                     {"--scales", options.scales},
                     {"--tile", fmt::to_string(options.detect.tile_px)},
                     {"--max-faces", number(options.max_faces)},
                     {"--min-size", number(options.min_size_px)},
                     {"--every", fmt::to_string(options.every)},
                     {"--draw", yes(options.images.draw)},
                     {"--blur", yes(options.images.blur)},
                     {"--crops", yes(options.images.crops)},
                     {"--aligned", yes(options.images.aligned)}};
  if (options.images.any()) request.emplace_back("--out", options.out);
  return request;
}

/// The record of the results that --resume can go on with, if they are such.
std::optional<RequestRecord> record_of(const Options& options) {
  if (options.writes_wider()) return RequestRecord(fs::path(options.out) / ".request.json");
  if (options.output.empty() || options.format != "jsonl") return std::nullopt;
  fs::path file = record_beside(options.output);
  if (file.empty()) return std::nullopt;
  return RequestRecord(std::move(file));
}

/// Whether there are results that --resume would go on with.
bool has_results(const Options& options) {
  std::error_code ignored;
  const fs::path results = options.writes_wider() ? options.out : options.output;
  return fs::exists(results, ignored) && !fs::is_empty(results, ignored);
}

/// What was done before must have been done as it is asked for now.
void check_resumed(const Options& options, const std::optional<RequestRecord>& record,
                   const Request& request) {
  if (!options.resume || !has_results(options)) return;
  const std::string results = printable(options.writes_wider() ? options.out : options.output);
  if (record && record->exists()) return record->check(request, results);
  fmt::print(stderr,
             "retinaface: {}: does not say with which options it was begun (an older version wrote "
             "it, or its record is gone); what it holds is kept as it is\n",
             results);
}

/// Checks before any work that nothing is destroyed by what will be written.
void guard_outputs(const Options& options, const std::vector<Input>& inputs,
                   const std::optional<RequestRecord>& record) {
  if (options.output.empty() && options.out.empty()) return;
  OutputGuard guard(options.overwrite);
  if (!options.list.empty()) guard.reads(options.list);
  guard.reads(options.model);
  for (const Input& input : inputs) {
    if (input.problem.empty()) guard.reads(input.path);
  }
  if (!options.output.empty() && options.resume) {
    guard.continues(options.output);
  } else if (!options.output.empty()) {
    guard.writes(options.output, OutputKind::kResults);
  }
  if (record) guard.writes(record->file(), OutputKind::kReport);
  if (options.out.empty()) return;
  for (const Input& input : inputs) {
    if (!input.problem.empty()) continue;
    const bool is_video = leads_to_video(input.path);
    announce(options.images, input.path, is_video, guard);
    if (options.writes_wider()) announce_wider(options.out, input.path, is_video, guard);
  }
}

/// Leaves out what an interrupted run has done.
void drop_done(const Options& options, const ResultFile& file, std::vector<Input>& inputs) {
  if (!options.resume) return;
  std::erase_if(inputs, [&](const Input& input) {
    if (!input.problem.empty()) return false;
    if (leads_to_video(input.path)) return false;  // frame by frame, when it is read
    return options.writes_wider() ? fs::exists(wider_file(options.out, input.path, std::nullopt))
                                  : file.done().contains(input.path.string());
  });
}

SourceOptions source_options(const Options& options, const ResultFile& file,
                             const std::atomic<bool>& interrupted) {
  SourceOptions result;
  result.every = options.every;
  result.video = {.max_pixels = options.max_pixels, .stop = &interrupted};
  result.in_one_run = options.images.annotates();
  if (!options.resume) return result;
  result.is_done = [&](const fs::path& video, const video::FrameStamp& frame) {
    if (options.writes_wider()) return fs::exists(wider_file(options.out, video, frame));
    const auto done = file.videos_done().find(video.string());
    return done != file.videos_done().end() && frame.number <= done->second.last.number;
  };
  return result;
}

/// One image has no use for a second thread.
int thread_count(const Options& options, const std::vector<Input>& inputs) {
  const auto wanted =
      static_cast<std::size_t>(options.threads > 0 ? options.threads : core_count());
  if (inputs.size() >= wanted) return static_cast<int>(wanted);
  const bool has_video = std::ranges::any_of(inputs, [](const Input& input) {
    return input.problem.empty() && leads_to_video(input.path);
  });
  return static_cast<int>(has_video ? wanted : std::max<std::size_t>(inputs.size(), 1));
}

/// "0.5,1,2", each over 0 and at most 16; none for "auto".
std::vector<float> parse_scales(const std::string& text) {
  std::vector<float> scales;
  if (text == kAllSizes) return scales;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    float scale = 0;
    const auto result = std::from_chars(at, end, scale);
    const bool ends = result.ptr == end || *result.ptr == ',';
    if (result.ec != std::errc() || !ends || !(scale > 0 && scale <= 16)) {
      throw UsageError(fmt::format(
          "--scales: expected auto, or factors over 0 and up to 16 like 0.5,1,2, found '{}'",
          text));
    }
    scales.push_back(scale);
    if (result.ptr == end) return scales;
    at = result.ptr + 1;
  }
}

int run(Options& options) {
  check(options);
  options.detect.scales = parse_scales(options.scales);
  options.images.folder = options.out;
  const Detector detector = open_detector(options.model, options.backend);
  std::vector<std::string> arguments = options.inputs;
  if (!options.list.empty()) {
    const std::vector<std::string> listed = read_list(options.list);
    arguments.insert(arguments.end(), listed.begin(), listed.end());
  }
  std::vector<Input> inputs = find_inputs(arguments, options.out);
  if (is_video_place(options.out) && (inputs.size() != 1 || !leads_to_video(inputs[0].path))) {
    throw UsageError("--out: the name of a video goes with one video as input; else name a folder");
  }
  const std::optional<RequestRecord> record = record_of(options);
  guard_outputs(options, inputs, record);
  const Request request = request_of(options);
  check_resumed(options, record, request);
  const ResultFile file(options.output, options.resume);
  if (record) {
    if (options.writes_wider()) make_folders(options.out);
    record->write(request);
  }
  const std::size_t all = inputs.size();
  drop_done(options, file, inputs);
  const std::size_t left = inputs.size();
  const int threads = thread_count(options, inputs);
  if (options.verbose) {
    fmt::print(stderr, "retinaface: model {}, {} inputs, {} done before, {} threads\n",
               options.model, all, all - left, threads);
  }
  const std::atomic<bool>& interrupted = end_cleanly_when_interrupted();
  ImageSource source(std::move(inputs), source_options(options, file, interrupted));
  DetectionReport report(options, file, source, left);
  run_in_order(
      threads, [&] { return source.next(); },
      [&](InputImage image) { return detect(detector, options, interrupted, std::move(image)); },
      [&](Outcome outcome) { report.take(std::move(outcome)); });
  print_differences(detector);
  return report.finish();
}

void declare_selection(CLI::App& app, Options& options) {
  add_threshold_options(app, options.detect);
  app.add_option("--max-faces", options.max_faces, "keep only this many, the best (default: all)")
      ->check(CLI::PositiveNumber);
  app.add_option("--min-size", options.min_size_px,
                 "leave out faces whose box's shorter side has fewer pixels")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--scales", options.scales,
                 "factors to resize the image by, e.g. 0.5,1,2; 1 is its own size; auto: what "
                 "faces of all sizes need")
      ->capture_default_str();
  app.add_option("--tile", options.detect.tile_px,
                 "work on larger images in overlapping squares of this side, at least 1280; 0: "
                 "in one piece, however much memory that takes")
      ->capture_default_str();
  app.add_option("--max-pixels", options.max_pixels, "refuse images of more pixels than this")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void declare_output(CLI::App& app, Options& options) {
  app.add_option("--format", options.format,
                 "jsonl: one line of JSON an image or frame; csv: one row a face; coco: one JSON "
                 "document; wider: OUT/EVENT/NAME.txt")
      ->check(CLI::IsMember(result_formats()))
      ->capture_default_str();
  app.add_option("-o,--output", options.output, "file for the results (default: standard output)");
  app.add_option(
      "--out", options.out,
      "folder for images, videos and for --format wider; or a video, .mp4, .mov or .mkv");
  app.add_flag("--draw", options.images.draw,
               "write each image or video with its faces drawn on it");
  app.add_flag("--blur", options.images.blur,
               "write each image or video with its faces made unrecognisable");
  app.add_flag("--crops", options.images.crops, "write each face, with a margin");
  app.add_flag("--aligned", options.images.aligned,
               "write each face turned and scaled to 112x112, as recognisers take it");
  app.add_flag("--resume", options.resume,
               "leave out images and frames whose results are there already; the options must be "
               "those of the run that is gone on with");
  add_overwrite_option(app, options.overwrite);
}

}  // namespace

Action declare_detect(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("INPUT", options->inputs,
                 "images, videos, folders that are searched for them (not linked folders, nor what "
                 "--out holds from before), patterns like 'a/*.jpg', "
                 "cameras (/dev/video0), addresses of streams (rtsp://...), or - for an image on "
                 "standard input");
  app.add_option("--list", options->list,
                 "read more of these from a file, one a line; - is standard input");
  app.add_option("--every", options->every, "look at every Nth frame of videos")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--model", options->model,
                 "name of a model (retinaface models), or a .safetensors file")
      ->capture_default_str();
  add_backend_option(app, options->backend);
  declare_selection(app, *options);
  declare_output(app, *options);
  app.add_option("--threads", options->threads,
                 "images or frames worked on at once (default: all cores)")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--quiet", options->quiet, "say nothing but errors");
  app.add_flag("--verbose", options->verbose, "say what is done and how long it took");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
