#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "retinaface/recognizer.h"

#include "base/check.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/command.h"
#include "cli/left_inputs.h"
#include "cli/tell.h"
#include "cli/values.h"
#include "evaluation/verification_report.h"
#include "pipeline/frames_left.h"
#include "pipeline/read_input.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::string first;
  std::string second;
  std::string recognizer;
  std::string model;
  std::optional<float> threshold;
  std::string evaluation;
  std::string far = "1e-3";
};

/// The embedding of the largest face of an image; `frames_left` notes how many frames it has.
std::vector<float> embedding_of(const std::string& file, const Detector& detector,
                                const Recognizer& recognizer, pipeline::FramesLeft& frames_left) {
  ReadOptions options;
  options.warn = [](const std::string& line) { tell("retinaface: {}\n", line); };
  const pipeline::ReadInput read = pipeline::read_input(file, options);
  const Image& image = read.decoded.image;
  frames_left.note(file, read.frames);
  const std::vector<Face> faces = detector.detect(image);
  const auto area = [](const Face& face) { return face.box.width() * face.box.height(); };
  const auto largest = std::ranges::max_element(faces, {}, area);
  if (largest == faces.end()) {
    fail(ErrorCode::kNotFound, "{}: expected a face, found none", printable(file));
  }
  if (faces.size() > 1) {
    tell("retinaface: {}: {} faces, the largest one is taken\n", printable(file), faces.size());
  }
  return recognizer.embed(image, largest->landmarks);
}

int verify(const Options& options) {
  if (options.threshold && !options.evaluation.empty()) {
    throw UsageError("--threshold, --evaluation: expected one of them");
  }
  if (options.far != Options{}.far && options.evaluation.empty()) {
    throw UsageError("--far: goes with --evaluation FILE");
  }
  std::optional<float> threshold = options.threshold;
  if (!options.evaluation.empty())
    threshold = evaluation::read_threshold(options.evaluation, options.far);
  const Detector detector = open_detector(options.model, {});
  const Recognizer recognizer(options.recognizer);
  pipeline::FramesLeft frames_left;
  const auto a = embedding_of(options.first, detector, recognizer, frames_left);
  const auto b = embedding_of(options.second, detector, recognizer, frames_left);
  tell_what_was_left({}, frames_left.line());
  const float alike = similarity(a, b);
  fmt::print("similarity {:.4f}", alike);
  if (!threshold) {
    fmt::print(
        "; what that means depends on the recogniser: --evaluation or --threshold decides\n");
    return kSuccess;
  }
  fmt::print(", threshold {:.4f}", *threshold);
  if (!options.evaluation.empty()) fmt::print(" (false accepts {})", options.far);
  fmt::print(": {}\n", alike >= *threshold ? "one person" : "two persons");
  return kSuccess;
}

}  // namespace

Action declare_verify(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("A", options->first, "image of a face; of several faces the largest counts")
      ->required();
  app.add_option("B", options->second, "the image that it is compared with")->required();
  app.add_option("--recognizer", options->recognizer,
                 "model file of a recogniser (retinaface import); none is built in")
      ->required();
  app.add_option("--model", options->model,
                 "the detector: name of a model, or a .safetensors file");
  app.add_option("--threshold", options->threshold, "similarity from which on it is one person")
      ->check(number(-1, 1));
  app.add_option("--evaluation", options->evaluation,
                 "take the threshold from this file of `retinaface evaluate verification --json`, "
                 "made with the same recogniser");
  app.add_option("--far", options->far, "for this rate of false accepts")
      ->check(one_of({"1e-1", "1e-2", "1e-3", "1e-4", "1e-5", "1e-6"}))
      ->capture_default_str();
  return [options] { return verify(*options); };
}

}  // namespace retinaface::cli
