#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "retinaface/recognizer.h"

#include "base/check.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "base/random.h"
#include "cli/evaluate.h"
#include "cli/overwrite_option.h"
#include "cli/progress.h"
#include "evaluation/plot.h"
#include "evaluation/verification.h"
#include "pipeline/json_report.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using evaluation::PairList;
using evaluation::Similarities;
using evaluation::VerificationResult;
using Json = nlohmann::json;

struct Options {
  std::string pairs;
  std::string images;
  std::string recognizer;
  std::vector<std::string> models;
  DetectionOptions detector;
  bool move_points = false;
  std::string json;
  std::string curves;
  bool overwrite = false;
};

/// What is known of one image: nothing where no face was found.
using Embedding = std::optional<std::vector<float>>;

/// One line of the results.
struct Judgement {
  std::string name;
  std::size_t missed = 0;  ///< images
  VerificationResult result;
  Similarities similarities;
};

/// These data sets have their person in the middle.
const Face* face_in_the_middle(const std::vector<Face>& faces, const Image& image) {
  const Point middle = {static_cast<float>(image.width()) / 2,
                        static_cast<float>(image.height()) / 2};
  const auto distance = [&](const Face& face) {
    const Point center = face.box.center();
    return std::hypot(center.x - middle.x, center.y - middle.y);
  };
  const auto nearest = std::ranges::min_element(faces, {}, distance);
  return nearest == faces.end() ? nullptr : &*nearest;
}

/// Each point moved this far, in shares of the distance between the eyes, each its own way; the
/// same ways whatever the share.
Landmarks moved(Landmarks points, double share, std::size_t image) {
  const double distance = std::hypot(points[1].x - points[0].x, points[1].y - points[0].y);
  Random random = Random::of(1, image);
  for (Point& point : points) {
    const double angle = random.uniform(0, 2 * std::numbers::pi);
    point.x += static_cast<float>(share * distance * std::cos(angle));
    point.y += static_cast<float>(share * distance * std::sin(angle));
  }
  return points;
}

/// Of each image, an embedding for each share by which its points are moved.
std::vector<std::vector<Embedding>> embed_all(const Options& options, const PairList& pairs,
                                              const Detector& detector,
                                              const Recognizer& recognizer,
                                              const std::vector<double>& shares) {
  std::vector<std::vector<Embedding>> all;
  ProgressLine progress("embedding");
  std::size_t next = 0;
  run_in_order(
      thread_count(options.detector),
      [&] { return next < pairs.images.size() ? std::optional(next++) : std::nullopt; },
      [&](std::size_t i) {
        std::vector<Embedding> embeddings(shares.size());
        const Image image =
            read_image(fs::path(options.images) / pairs.images[i], {.apply_orientation = false});
        const std::vector<Face> faces =
            evaluation::detect(detector, image, mode_of(options.detector), options.detector.detect);
        const Face* const face = face_in_the_middle(faces, image);
        if (face == nullptr) return embeddings;
        for (std::size_t s = 0; s < shares.size(); ++s) {
          embeddings[s] = recognizer.embed(image, moved(face->landmarks, shares[s], i));
        }
        return embeddings;
      },
      [&](std::vector<Embedding> embeddings) {
        all.push_back(std::move(embeddings));
        progress.show(all.size(), pairs.images.size());
      });
  return all;
}

Judgement judge(std::string name, const PairList& pairs,
                const std::vector<std::vector<Embedding>>& embeddings, std::size_t share) {
  Judgement judgement;
  judgement.name = std::move(name);
  for (const auto& image : embeddings) judgement.missed += image[share] ? 0 : 1;
  for (const auto& fold : pairs.folds) {
    auto& similarities = judgement.similarities.emplace_back();
    for (const evaluation::Pair& pair : fold) {
      const Embedding& a = embeddings[pair.first][share];
      const Embedding& b = embeddings[pair.second][share];
      similarities.push_back(a && b ? std::optional(similarity(*a, *b)) : std::nullopt);
    }
  }
  judgement.result = evaluation::verify(pairs, judgement.similarities);
  return judgement;
}

double percent(double share) {
  return 100 * share;
}

std::string rate_name(int power) {
  return fmt::format("1e{}", power);
}

Json to_json(const Judgement& judgement) {
  Json rates;
  Json thresholds;
  for (const auto& [power, tar] : judgement.result.tar_at_far) {
    rates[rate_name(power)] = tar ? Json(percent(*tar)) : Json();
    const auto& threshold = judgement.result.threshold_at_far.at(power);
    thresholds[rate_name(power)] = threshold ? Json(*threshold) : Json();
  }
  return {{"name", judgement.name},
          {"accuracy", percent(judgement.result.accuracy)},
          {"accuracy_error", percent(judgement.result.accuracy_error)},
          {"tar_at_far", rates},
          {"threshold_at_far", thresholds},
          {"missed", judgement.missed},
          {"missed_pairs", judgement.result.missed_pairs}};
}

void print(const std::vector<Judgement>& judgements) {
  fmt::print("{:<24} {:>15} {:>10} {:>10} {:>10}  {}\n", "detector", "accuracy %", "TAR@1e-1",
             "TAR@1e-2", "TAR@1e-3", "missed images");
  for (const Judgement& judgement : judgements) {
    const auto rate = [&](int power) {
      const auto& tar = judgement.result.tar_at_far.at(power);
      return tar ? fmt::format("{:.2f}", percent(*tar)) : std::string("-");
    };
    fmt::print("{:<24} {:>7.2f} +- {:<4.2f} {:>10} {:>10} {:>10}  {}\n", judgement.name,
               percent(judgement.result.accuracy), percent(judgement.result.accuracy_error),
               rate(-1), rate(-2), rate(-3), judgement.missed);
  }
}

void draw(const Options& options, const PairList& pairs, const std::vector<Judgement>& judgements) {
  evaluation::Diagram diagram = {.title = "Verification",
                                 .x_label = "false accept rate",
                                 .y_label = "true accept rate",
                                 .lines = {}};
  diagram.x_max = 0.1;
  for (const Judgement& judgement : judgements) {
    evaluation::Line& line = diagram.lines.emplace_back();
    line.label = fmt::format("{} ({:.2f} %)", judgement.name, percent(judgement.result.accuracy));
    line.color = static_cast<int>(diagram.lines.size()) - 1;
    for (const evaluation::RocPoint& point : evaluation::roc(pairs, judgement.similarities)) {
      line.x.push_back(point.far);
      line.y.push_back(point.tar);
    }
  }
  evaluation::draw_diagrams(options.curves, std::span(&diagram, 1));
}

void guard_outputs(const Options& options) {
  pipeline::OutputGuard guard(options.overwrite);
  guard.reads(options.pairs);
  guard.reads(options.recognizer);
  for (const std::string& model : options.models) guard.reads(model);
  guard_figures(options.images, {}, options.json, options.curves, guard);
}

int run(const Options& options) {
  guard_outputs(options);
  const PairList pairs = evaluation::read_pairs(options.pairs);
  const Recognizer recognizer(options.recognizer);
  const std::vector<std::string> models =
      options.models.empty() ? std::vector<std::string>{""} : options.models;
  std::size_t count = 0;
  for (const auto& fold : pairs.folds) count += fold.size();
  fmt::print("{} images, {} pairs in {} folds\n\n", pairs.images.size(), count, pairs.folds.size());

  std::vector<Judgement> judgements;
  std::vector<Judgement> moved_points;
  for (const std::string& model : models) {
    DetectionOptions of_model = options.detector;
    of_model.model = model;
    const Detector detector = load_detector(of_model);
    const bool first = judgements.empty();
    std::vector<double> shares = {0};
    if (first && options.move_points) shares = {0, 0.01, 0.02, 0.04};
    const auto embeddings = embed_all(options, pairs, detector, recognizer, shares);
    const std::string name = model.empty() ? detector.info().name : display_name(model);
    judgements.push_back(judge(name, pairs, embeddings, 0));
    for (std::size_t s = 1; s < shares.size(); ++s) {
      moved_points.push_back(
          judge(fmt::format("{}, points moved {:.0f} %", name, percent(shares[s])), pairs,
                embeddings, s));
    }
  }
  print(judgements);
  if (!moved_points.empty()) {
    fmt::print("\n");
    print(moved_points);
  }

  Json report;
  for (const Judgement& judgement : judgements) {
    Json& json = report["detectors"].emplace_back(to_json(judgement));
    if (&judgement == &judgements.front()) continue;
    const auto difference =
        evaluation::accuracy_difference(judgements.front().result, judgement.result);
    json["difference"] = {{"mean", percent(difference.mean)},
                          {"low", percent(difference.low)},
                          {"high", percent(difference.high)}};
    fmt::print(
        "\n{} against {}: {:+.2f} points of accuracy, 95 % of resampled pairs between {:+.2f} "
        "and {:+.2f}\n",
        judgement.name, judgements.front().name, percent(difference.mean), percent(difference.low),
        percent(difference.high));
  }
  for (const Judgement& judgement : moved_points) {
    report["moved_points"].push_back(to_json(judgement));
  }
  if (!options.json.empty()) pipeline::write_json_report(options.json, std::move(report));
  if (!options.curves.empty()) draw(options, pairs, judgements);
  return kSuccess;
}

}  // namespace

Action declare_evaluate_verification(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->detector.detect.min_score = 0.3F;
  app.add_option("--pairs", options->pairs,
                 "the list of pairs: LFW's pairs.txt, or lines of two paths and 1 or 0")
      ->required();
  app.add_option("--images", options->images, "folder of the images that the list names")
      ->required();
  app.add_option("--recognizer", options->recognizer,
                 "model file of a recogniser (retinaface import)")
      ->required();
  app.add_option(
      "--model", options->models,
      "judge with this detector's points: its name, or a .safetensors file; may be given "
      "several times, the first being what the others are compared with");
  app.add_flag(
      "--move-points", options->move_points,
      "tell also how accuracy falls when the first detector's points are moved by 1, 2 and "
      "4 % of the distance between the eyes");
  add_detector_options(app, options->detector);
  app.add_option("-o,--json,--output", options->json, "write the figures to this file");
  app.add_option(
      "--curves", options->curves,
      "draw true against false accepts into this file (.png, .svg, .pdf; needs gnuplot)");
  add_overwrite_option(app, options->overwrite);
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
