#include <atomic>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "retinaface/recognizer.h"

#include "base/check.h"
#include "base/counted.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "cli/backend_option.h"
#include "cli/command.h"
#include "cli/interruption.h"
#include "cli/overwrite_option.h"
#include "cli/threads_option.h"
#include "cli/values.h"
#include "image/codecs/image_name.h"
#include "pipeline/input_problem.h"
#include "pipeline/inputs.h"
#include "pipeline/name_text.h"
#include "pipeline/npy.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string recognizer;
  std::string model;
  std::string output;
  float min_score = DetectOptions::kDefaultMinScore;
  int threads = 0;
  bool overwrite = false;
};

/// What was found in one image, or why nothing could be.
struct Found {
  std::filesystem::path path;
  std::vector<Face> faces;
  std::vector<std::vector<float>> embeddings;
  std::string problem;
};

Found embed_in(const pipeline::Input& input, const Options& options, const Detector& detector,
               const Recognizer& recognizer) {
  Found found = {input.path, {}, {}, {}};
  if (!input.problem.empty()) {
    found.problem = pipeline::problem_line(input);
    return found;
  }
  try {
    if (pipeline::leads_to_video(input.path)) {
      fail(ErrorCode::kUnsupported, "{}: expected an image, found a video", printable(input.path));
    }
    const Image image = read_image(input.path);
    found.faces = detector.detect(image, {.min_score = options.min_score});
    for (const Face& face : found.faces) {
      found.embeddings.push_back(recognizer.embed(image, face.landmarks));
    }
  } catch (const Error& error) {
    found = {input.path, {}, {}, error.what()};
  }
  return found;
}

/// One face as a line; with the vector itself, or with its row in the matrix.
std::string line_of(const Found& found, std::size_t i, std::optional<std::size_t> row) {
  const Face& face = found.faces[i];
  nlohmann::ordered_json json = {{"image", pipeline::text_of_path(found.path)},
                                 {"score", face.score},
                                 {"box", {face.box.x0, face.box.y0, face.box.x1, face.box.y1}}};
  for (const Point& point : face.landmarks) json["landmarks"].push_back({point.x, point.y});
  if (row) {
    json["row"] = *row;
  } else {
    json["embedding"] = found.embeddings[i];
  }
  return json.dump() + "\n";
}

int embed(const Options& options) {
  const std::string extension = lower_case_extension(options.output);
  const bool matrix = extension == ".npy";
  if (!options.output.empty() && !matrix && extension != ".jsonl") {
    throw UsageError(fmt::format("--output: expected a name that ends in .npy or .jsonl, found {}",
                                 printable(options.output)));
  }
  const std::vector<pipeline::Input> inputs = pipeline::find_inputs(options.inputs);
  pipeline::OutputGuard guard(options.overwrite);
  guard.reads(options.recognizer);
  guard.reads(options.model);
  for (const pipeline::Input& input : inputs) guard.reads(input.path);
  if (!options.output.empty()) guard.writes(options.output, pipeline::OutputKind::kVectors);
  const Recognizer recognizer(options.recognizer);
  const Detector detector = open_detector(options.model, {});

  std::vector<float> rows;
  std::size_t faces = 0;
  std::string lines;
  bool failed = false;
  std::size_t next = 0;
  // What was embedded until then is written.
  const std::atomic<bool>& interrupted = end_cleanly_when_interrupted();
  run_in_order(
      thread_count(options.threads),
      [&] {
        return next < inputs.size() && !interrupted ? std::optional(&inputs[next++]) : std::nullopt;
      },
      [&](const pipeline::Input* input) { return embed_in(*input, options, detector, recognizer); },
      [&](const Found& found) {
        if (!found.problem.empty()) {
          failed = true;
          fmt::print(stderr, "retinaface: {}\n", found.problem);
        }
        for (std::size_t i = 0; i < found.faces.size(); ++i, ++faces) {
          const std::string line = line_of(found, i, matrix ? std::optional(faces) : std::nullopt);
          if (options.output.empty() || matrix) {
            fmt::print("{}", line);
          } else {
            lines += line;
          }
          if (!matrix) continue;
          rows.insert(rows.end(), found.embeddings[i].begin(), found.embeddings[i].end());
        }
      });
  if (matrix) {
    write_file_atomically(
        options.output,
        pipeline::npy_matrix(rows, static_cast<std::size_t>(recognizer.embedding_size())));
  } else if (!options.output.empty()) {
    write_file_atomically(options.output, lines);
  }
  if (interrupted && next < inputs.size()) {
    fmt::print(stderr, "retinaface: interrupted; {} of {} were done\n", counted(next, "image"),
               inputs.size());
    return kInterrupted;
  }
  return failed ? kSomeFailed : kSuccess;
}

}  // namespace

Action declare_embed(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("INPUT", options->inputs, "images, or folders of them")->required();
  app.add_option("--recognizer", options->recognizer,
                 "model file of a recogniser (retinaface import); none is built in")
      ->required();
  app.add_option("--model", options->model,
                 "the detector: name of a model, or a .safetensors file");
  app.add_option(
      "-o,--output", options->output,
      "write the vectors to this file: .jsonl, a line of JSON for each face; .npy, a row "
      "of a float32 matrix for each, the lines then going to standard output without them "
      "(default: lines on standard output)");
  app.add_option("--min-score", options->min_score, "faces with a lower score are left out")
      ->check(number(0, 1))
      ->capture_default_str();
  add_threads_option(app, options->threads, "images worked on at once");
  add_overwrite_option(app, options->overwrite);
  return [options] { return embed(*options); };
}

}  // namespace retinaface::cli
