#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "retinaface/retinaface.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/interruption.h"
#include "cli/picture_outputs.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "cli/thresholds.h"
#include "models/catalogue.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

/// --scales that lets the picture's size decide.
constexpr const char* kAllSizes = "auto";

struct Options {
  std::vector<std::string> inputs;
  std::string list;
  std::string model{models::kDefaultModel};
  DetectOptions detect;
  std::string scales = kAllSizes;
  int max_faces = 0;
  float min_size_px = 0;
  std::int64_t max_pixels = ReadOptions{}.max_pixels;
  std::string format = "jsonl";
  std::string output;
  std::string out;
  PictureOutputs pictures;
  bool resume = false;
  int threads = 0;
  bool quiet = false;
  bool verbose = false;

  bool writes_wider() const { return format == "wider"; }
};

/// What became of one input.
struct Outcome {
  Input input;
  std::optional<PictureResult> result;
  std::string problem;  ///< the one line that says why there is no result
};

void check(const Options& options) {
  constexpr int kLeastTile = 1280;
  if (options.detect.tile_px != 0 && options.detect.tile_px < kLeastTile) {
    throw UsageError(fmt::format("--tile: expected 0 or at least {}, found {}", kLeastTile,
                                 options.detect.tile_px));
  }
  if (options.inputs.empty() && options.list.empty()) {
    throw UsageError("expected pictures or folders, or --list FILE");
  }
  if (options.pictures.any() && options.out.empty()) {
    throw UsageError("--draw, --blur, --crops and --aligned: --out DIR is missing");
  }
  if (options.writes_wider() && options.out.empty()) {
    throw UsageError("--format wider: --out DIR is missing");
  }
  if (!options.out.empty() && !options.pictures.any() && !options.writes_wider()) {
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

Image read(const Options& options, const fs::path& path) {
  const ReadOptions read_options = {.max_pixels = options.max_pixels};
  if (path != kStandardInput) return read_image(path, read_options);
  const std::string bytes(std::istreambuf_iterator<char>(std::cin), {});
  return decode_image(std::as_bytes(std::span(bytes)), read_options, "standard input");
}

/// The faces that the user wants of those found, which are sorted by score.
void select(const Options& options, std::vector<Face>& faces) {
  std::erase_if(faces, [&](const Face& face) {
    return std::min(face.box.width(), face.box.height()) < options.min_size_px;
  });
  const auto most = static_cast<std::size_t>(options.max_faces);
  if (most > 0 && faces.size() > most) faces.resize(most);
}

Outcome detect(const Detector& detector, const Options& options, Input input) {
  Outcome outcome{std::move(input), std::nullopt, {}};
  const fs::path& path = outcome.input.path;
  if (!outcome.input.problem.empty()) {
    outcome.problem = fmt::format("{}: {}", printable(path), outcome.input.problem);
    return outcome;
  }
  try {
    Image image = read(options, path);
    const auto start = std::chrono::steady_clock::now();
    std::vector<Face> faces = detector.detect(image, options.detect);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    select(options, faces);
    outcome.result = {path, image.width(), image.height(), std::move(faces), took.count()};
    if (options.pictures.any()) {
      write_picture_outputs(options.pictures, path, std::move(image), outcome.result->faces);
    }
    return outcome;
  } catch (const Error& error) {
    outcome.problem = error.what();
  } catch (const fs::filesystem_error& error) {
    outcome.problem = error.what();
  } catch (const std::bad_alloc&) {
    outcome.problem = printable(path) + ": not enough memory for this picture";
  }
  outcome.result.reset();
  return outcome;
}

/// Where the results go: standard output or --output.
class ResultFile {
 public:
  explicit ResultFile(const Options& options) {
    if (options.output.empty()) return;
    const bool again = options.resume && fs::exists(options.output);
    if (again) fs::resize_file(options.output, keep_whole_lines(options.output));
    file_ = std::fopen(options.output.c_str(), again ? "ab" : "wb");
    if (file_ == nullptr) {
      fail(ErrorCode::kUnreadable, "{}: {}", printable(options.output), std::strerror(errno));
    }
  }
  ~ResultFile() {
    if (file_ != stdout) std::fclose(file_);
  }
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  std::FILE* get() const { return file_; }
  /// The pictures whose results were there already.
  const std::set<std::string>& done() const { return done_; }

 private:
  /// Reads an interrupted run's lines; returns how many bytes of them are whole.
  std::uintmax_t keep_whole_lines(const std::string& path) {
    const auto bytes = read_file(path);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string_view::npos;) {
      const auto line = nlohmann::json::parse(text.substr(begin, end - begin), nullptr, false);
      if (!line.is_object() || !line.contains("image") || !line["image"].is_string()) {
        fail(ErrorCode::kBadData,
             "{}: expected lines of `retinaface detect` to resume from, byte {}", printable(path),
             begin);
      }
      done_.insert(line["image"].get<std::string>());
      begin = end + 1;
    }
    return begin;
  }

  std::FILE* file_ = stdout;
  std::set<std::string> done_;
};

/// Leaves out what an interrupted run has done.
void drop_done(const Options& options, const ResultFile& file, std::vector<Input>& inputs) {
  if (!options.resume) return;
  std::erase_if(inputs, [&](const Input& input) {
    if (!input.problem.empty()) return false;
    return options.writes_wider() ? fs::exists(wider_file(options.out, input.path))
                                  : file.done().contains(input.path.string());
  });
}

/// Reports the outcomes, in order.
class Reporter {
 public:
  Reporter(const Options& options, std::FILE* file, std::size_t inputs)
      : options_(options),
        writer_(make_result_writer(options.format, file, out_)),
        inputs_(inputs),
        shows_progress_(inputs > 1 && !options.quiet &&
                        !(file == stdout && ::isatty(STDOUT_FILENO) == 1)) {}

  void report(Outcome outcome) {
    if (outcome.result) write(outcome);
    if (!outcome.result) {
      ++failed_;
      progress_.hide();
      fmt::print(stderr, "retinaface: {}\n", outcome.problem);
    } else {
      ++done_;
      faces_ += outcome.result->faces.size();
      ms_ += outcome.result->ms;
    }
    if (shows_progress_) progress_.show(done_ + failed_, inputs_);
  }

  int finish(bool interrupted) {
    writer_->finish();
    progress_.hide();
    if (options_.verbose && done_ > 0) {
      fmt::print(stderr, "retinaface: {} pictures, {} faces, {:.2f} ms a picture, {} failed\n",
                 done_, faces_, ms_ / static_cast<double>(done_), failed_);
    }
    if (interrupted) {
      fmt::print(stderr, "retinaface: interrupted after {} of {} pictures\n", done_ + failed_,
                 inputs_);
      return kInterrupted;
    }
    return failed_ == 0 ? kSuccess : kSomeFailed;
  }

 private:
  void write(Outcome& outcome) {
    if (!options_.writes_wider()) {
      writer_->write(*outcome.result);  // a stream that cannot be written ends the run
      return;
    }
    try {
      writer_->write(*outcome.result);
    } catch (const std::runtime_error& error) {  // Error or filesystem_error
      outcome.problem = error.what();
      outcome.result.reset();
    }
  }

  const Options& options_;
  const fs::path out_ = options_.out;
  std::unique_ptr<ResultWriter> writer_;
  std::size_t inputs_;
  bool shows_progress_;
  ProgressLine progress_{"detecting"};
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  std::size_t faces_ = 0;
  double ms_ = 0;
};

int thread_count(const Options& options, std::size_t inputs) {
  const int wanted = options.threads > 0 ? options.threads : core_count();
  return static_cast<int>(
      std::min(static_cast<std::size_t>(wanted), std::max<std::size_t>(inputs, 1)));
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
  options.pictures.folder = options.out;
  const Detector detector(options.model);
  std::vector<std::string> arguments = options.inputs;
  if (!options.list.empty()) {
    const std::vector<std::string> listed = read_list(options.list);
    arguments.insert(arguments.end(), listed.begin(), listed.end());
  }
  std::vector<Input> inputs = find_inputs(arguments);
  const ResultFile file(options);
  const std::size_t all = inputs.size();
  drop_done(options, file, inputs);
  const int threads = thread_count(options, inputs.size());
  if (options.verbose) {
    fmt::print(stderr, "retinaface: model {}, {} inputs, {} done before, {} threads\n",
               options.model, all, all - inputs.size(), threads);
  }
  const std::atomic<bool>& interrupted = end_cleanly_when_interrupted();
  Reporter reporter(options, file.get(), inputs.size());
  std::size_t next = 0;
  run_in_order(
      threads,
      [&] {
        return next < inputs.size() && !interrupted ? std::optional(std::move(inputs[next++]))
                                                    : std::nullopt;
      },
      [&](Input input) { return detect(detector, options, std::move(input)); },
      [&](Outcome outcome) { reporter.report(std::move(outcome)); });
  return reporter.finish(interrupted && next < inputs.size());
}

void declare_selection(CLI::App& app, Options& options) {
  add_threshold_options(app, options.detect);
  app.add_option("--max-faces", options.max_faces, "keep only this many, the best (default: all)")
      ->check(CLI::PositiveNumber);
  app.add_option("--min-size", options.min_size_px,
                 "leave out faces whose box's shorter side has fewer pixels")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--scales", options.scales,
                 "factors to resize the picture by, e.g. 0.5,1,2; 1 is its own size; auto: what "
                 "faces of all sizes need")
      ->capture_default_str();
  app.add_option("--tile", options.detect.tile_px,
                 "work on larger pictures in overlapping squares of this side, at least 1280; 0: "
                 "in one piece, however much memory that takes")
      ->capture_default_str();
  app.add_option("--max-pixels", options.max_pixels, "refuse pictures of more pixels than this")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void declare_output(CLI::App& app, Options& options) {
  app.add_option("--format", options.format,
                 "jsonl: one line of JSON a picture; csv: one row a face; coco: one JSON document; "
                 "wider: OUT/EVENT/NAME.txt")
      ->check(CLI::IsMember(result_formats()))
      ->capture_default_str();
  app.add_option("-o,--output", options.output, "file for the results (default: standard output)");
  app.add_option("--out", options.out, "folder for pictures and for --format wider");
  app.add_flag("--draw", options.pictures.draw, "write each picture with its faces drawn on it");
  app.add_flag("--blur", options.pictures.blur,
               "write each picture with its faces made unrecognisable");
  app.add_flag("--crops", options.pictures.crops, "write each face, with a margin");
  app.add_flag("--aligned", options.pictures.aligned,
               "write each face turned and scaled to 112x112, as recognisers take it");
  app.add_flag("--resume", options.resume, "leave out pictures whose results are there already");
}

}  // namespace

Action declare_detect(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("INPUT", options->inputs,
                 "pictures, folders that are searched for pictures, patterns like 'a/*.jpg', or - "
                 "for a picture on standard input");
  app.add_option("--list", options->list,
                 "read more of these from a file, one a line; - is standard input");
  app.add_option("--model", options->model, "name of a built-in model, or a .safetensors file")
      ->capture_default_str();
  declare_selection(app, *options);
  declare_output(app, *options);
  app.add_option("--threads", options->threads, "pictures worked on at once (default: all cores)")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--quiet", options->quiet, "say nothing but errors");
  app.add_flag("--verbose", options->verbose, "say what is done and how long it took");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
