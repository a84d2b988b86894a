#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "retinaface/retinaface.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/results.h"
#include "image/draw.h"
#include "models/catalogue.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

/// --scales that lets the picture's size decide.
constexpr const char* kAllSizes = "auto";

struct Options {
  std::vector<std::string> inputs;
  std::string model{models::kDefaultModel};
  DetectOptions detect;
  std::string scales = kAllSizes;
  std::int64_t max_pixels = ReadOptions{}.max_pixels;
  std::string format = "jsonl";
  std::string out;
  bool draw = false;
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
  if (options.draw && options.out.empty()) throw UsageError("--draw: --out DIR is missing");
  if (options.writes_wider() && options.out.empty()) {
    throw UsageError("--format wider: --out DIR is missing");
  }
  if (!options.out.empty() && !options.draw && !options.writes_wider()) {
    throw UsageError("--out: say what to write there, --draw or --format wider");
  }
}

/// Where in `out` the results of an input go: its path without root and "..", so that pictures of
/// one name in different folders stay apart.
fs::path place_in(const fs::path& out, const fs::path& input) {
  fs::path place = out;
  for (const fs::path& part : input.relative_path()) {
    if (part != ".." && part != ".") place /= part;
  }
  return place;
}

void draw(const Options& options, const fs::path& input, Image image,
          const std::vector<Face>& faces) {
  std::vector<FaceMark> marks;
  for (const Face& face : faces) marks.push_back({face.box, face.landmarks, face.score});
  draw_faces(image, marks);
  fs::path place = place_in(options.out, input);
  if (!can_write_image(place)) place += ".png";
  make_folders(place.parent_path());
  write_image(place, image);
}

Outcome detect(const Detector& detector, const Options& options, Input input) {
  Outcome outcome{std::move(input), std::nullopt, {}};
  const fs::path& path = outcome.input.path;
  if (!outcome.input.problem.empty()) {
    outcome.problem = fmt::format("{}: {}", printable(path), outcome.input.problem);
    return outcome;
  }
  try {
    Image image = read_image(path, {.max_pixels = options.max_pixels});
    const auto start = std::chrono::steady_clock::now();
    std::vector<Face> faces = detector.detect(image, options.detect);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    outcome.result = {path, image.width(), image.height(), std::move(faces), took.count()};
    if (options.draw) draw(options, path, std::move(image), outcome.result->faces);
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

/// Writes the outcomes, in order.
class Writer {
 public:
  explicit Writer(const Options& options) : options_(options) {}

  void write(Outcome outcome) {
    if (outcome.result && options_.writes_wider()) write_wider(outcome);
    if (!outcome.result) {
      ++failed_;
      fmt::print(stderr, "retinaface: {}\n", outcome.problem);
      return;
    }
    ++done_;
    faces_ += outcome.result->faces.size();
    ms_ += outcome.result->ms;
    if (options_.writes_wider()) return;
    const std::string line = to_json(*outcome.result) + "\n";
    if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() ||
        std::fflush(stdout) != 0) {
      fail(ErrorCode::kUnreadable, "standard output cannot be written");
    }
  }

  int finish() const {
    if (!options_.quiet && options_.verbose && done_ > 0) {
      fmt::print(stderr, "retinaface: {} pictures, {} faces, {:.2f} ms a picture, {} failed\n",
                 done_, faces_, ms_ / static_cast<double>(done_), failed_);
    }
    return failed_ == 0 ? kSuccess : kSomeFailed;
  }

 private:
  void write_wider(Outcome& outcome) {
    try {
      const fs::path place = write_wider_file(options_.out, *outcome.result);
      if (!written_.insert(place).second) {
        fail(ErrorCode::kInvalidArgument,
             "{}: a second picture of this event and name; its result replaced the first in {}",
             printable(outcome.result->path), printable(place));
      }
    } catch (const std::runtime_error& error) {  // Error or filesystem_error
      outcome.problem = error.what();
      outcome.result.reset();
    }
  }

  const Options& options_;
  std::set<fs::path> written_;
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
  const Detector detector(options.model);
  std::vector<Input> inputs = find_inputs(options.inputs);
  const int threads = thread_count(options, inputs.size());
  if (options.verbose) {
    fmt::print(stderr, "retinaface: model {}, {} inputs, {} threads\n", options.model,
               inputs.size(), threads);
  }
  Writer writer(options);
  std::size_t next = 0;
  run_in_order(
      threads,
      [&] {
        return next < inputs.size() ? std::optional(std::move(inputs[next++])) : std::nullopt;
      },
      [&](Input input) { return detect(detector, options, std::move(input)); },
      [&](Outcome outcome) { writer.write(std::move(outcome)); });
  return writer.finish();
}

}  // namespace

Action declare_detect(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("INPUT", options->inputs, "pictures, and folders that are searched for pictures")
      ->required();
  app.add_option("--model", options->model, "name of a built-in model, or a .safetensors file")
      ->capture_default_str();
  app.add_option("--min-score", options->detect.min_score, "leave out faces below this score")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--nms", options->detect.nms_iou,
                 "of boxes that overlap by more than this IoU keep the best")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option(
         "--scales", options->scales,
         "factors to resize the picture by, e.g. 0.5,1,2; 1 is its own size; auto: what faces "
         "of all sizes need")
      ->capture_default_str();
  app.add_option("--tile", options->detect.tile_px,
                 "work on larger pictures in overlapping squares of this side, at least 1280; 0: "
                 "in one piece, however much memory that takes")
      ->capture_default_str();
  app.add_option("--max-pixels", options->max_pixels, "refuse pictures of more pixels than this")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--format", options->format,
                 "jsonl: one JSON line a picture on standard output; wider: DIR/EVENT/NAME.txt")
      ->check(CLI::IsMember({"jsonl", "wider"}))
      ->capture_default_str();
  app.add_option("--out", options->out, "folder for what is written besides");
  app.add_flag("--draw", options->draw, "write the pictures with the faces drawn on them");
  app.add_option("--threads", options->threads, "pictures worked on at once (default: all cores)")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--quiet", options->quiet, "say nothing but errors");
  app.add_flag("--verbose", options->verbose, "say what is done and how long it took");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
