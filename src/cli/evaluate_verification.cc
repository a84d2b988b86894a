#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "retinaface/recognizer.h"

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "base/random.h"
#include "cli/backend_option.h"
#include "cli/evaluate.h"
#include "cli/face_embedder.h"
#include "cli/overwrite_option.h"
#include "cli/values.h"
#include "evaluation/plot.h"
#include "evaluation/template_protocol.h"
#include "evaluation/verification.h"
#include "image/image_name.h"
#include "interchange/verification_bin.h"
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
  std::vector<std::string> templates;
  std::string images;
  std::string recognizer;
  std::vector<std::string> models;
  DetectionOptions detector;
  bool move_points = false;
  std::string cache;
  std::size_t cache_mib = 1024;
  std::string json;
  std::string points_curve;
  std::string curves;
  bool overwrite = false;
};

/// One line of the results.
struct Judgement {
  std::string name;
  std::size_t missed = 0;  ///< images
  VerificationResult result;
  Similarities similarities;
};

/// By which --move-points moves them, in shares of the distance between the eyes.
constexpr double kMovedShares[] = {0.01, 0.02, 0.04};

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

/// The images of a list of pairs, where they are.
class PairImages {
 public:
  explicit PairImages(const Options& options) : folder_(options.images) {
    if (lower_case_extension(options.pairs) == ".bin") {
      bin_ =
          interchange::parse_verification_bin(read_file(options.pairs), printable(options.pairs));
      list_ = evaluation::pairs_in_order(bin_->same, printable(options.pairs));
    } else {
      if (folder_.empty()) throw UsageError("--images: expected the folder of the list's images");
      list_ = evaluation::read_pairs(options.pairs);
    }
  }

  const PairList& list() const { return list_; }
  /// Whether the images are aligned faces, as .bin files have them.
  bool are_aligned() const { return bin_.has_value(); }

  EncodedImage image(std::size_t i) const {
    if (bin_) {
      const auto bytes = std::as_bytes(std::span(bin_->images[i]));
      return {list_.images[i], {bytes.begin(), bytes.end()}};
    }
    const fs::path path = folder_ / list_.images[i];
    return {printable(path), read_file(path)};
  }

 private:
  fs::path folder_;
  std::optional<interchange::VerificationBin> bin_;
  PairList list_;
};

/// Of each image, an embedding for each share by which its points are moved. Without a detector the
/// images are aligned faces.
std::vector<std::vector<Embedding>> embed_all(const Options& options, const PairImages& images,
                                              const Detector* detector, FaceEmbedder& embedder,
                                              const std::vector<double>& shares) {
  std::vector<std::vector<Embedding>> all;
  const auto place = [&](const Image& image) -> std::optional<Landmarks> {
    if (detector == nullptr) return points_of_aligned(image);
    return points_in_the_middle(
        evaluation::detect(*detector, image, mode_of(options.detector), options.detector.detect),
        image);
  };
  for_each_in_order(
      thread_count(options.detector), images.list().images.size(),
      [&](std::size_t i) {
        return embedder.embed(images.image(i), place, shares.size(),
                              [&](const Landmarks& points, std::size_t way) {
                                return moved(points, shares[way], i);
                              });
      },
      [&](std::vector<Embedding> embeddings) { all.push_back(std::move(embeddings)); });
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

void add_rates(const std::map<int, std::optional<double>>& tar_at_far,
               const std::map<int, std::optional<float>>& threshold_at_far, Json& json) {
  for (const auto& [power, tar] : tar_at_far) {
    json["tar_at_far"][rate_name(power)] = tar ? Json(percent(*tar)) : Json();
    const auto& threshold = threshold_at_far.at(power);
    json["threshold_at_far"][rate_name(power)] = threshold ? Json(*threshold) : Json();
  }
}

Json to_json(const Judgement& judgement) {
  Json json = {{"name", judgement.name},
               {"accuracy", percent(judgement.result.accuracy)},
               {"accuracy_error", percent(judgement.result.accuracy_error)},
               {"missed", judgement.missed},
               {"missed_pairs", judgement.result.missed_pairs}};
  add_rates(judgement.result.tar_at_far, judgement.result.threshold_at_far, json);
  return json;
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

/// How accuracy falls as the points move.
void draw_points_curve(const Options& options, const Judgement& unmoved,
                       const std::vector<Judgement>& moved_points) {
  evaluation::Diagram diagram = {.title = "Moved points",
                                 .x_label = "moved by, % of the distance between the eyes",
                                 .y_label = "wrong decisions, % of the pairs",
                                 .lines = {}};
  evaluation::Line& line = diagram.lines.emplace_back();
  line.label = unmoved.name;
  const auto add = [&](double share, const Judgement& judgement) {
    line.x.push_back(percent(share));
    line.y.push_back(100 - percent(judgement.result.accuracy));
  };
  add(0, unmoved);
  for (std::size_t i = 0; i < moved_points.size(); ++i) add(kMovedShares[i], moved_points[i]);
  diagram.x_max = 1.1 * line.x.back();
  diagram.y_max = std::max(0.1, 1.2 * std::ranges::max(line.y));
  evaluation::draw_diagrams(options.points_curve, std::span(&diagram, 1));
}

void guard_outputs(const Options& options) {
  pipeline::OutputGuard guard(options.overwrite);
  guard.reads(options.pairs);
  guard.reads(options.recognizer);
  for (const std::string& list : options.templates) guard.reads(list);
  for (const std::string& model : options.models) guard.reads(model);
  guard_figures(options.images, {}, options.json, options.curves, guard);
  if (!options.points_curve.empty()) {
    guard.writes(options.points_curve, pipeline::OutputKind::kFigure);
  }
  if (!options.cache.empty()) guard.continues(options.cache);
}

FaceEmbedder open_embedder(const Options& options) {
  return {options.recognizer, options.cache, options.cache_mib << 20};
}

Detector open_detector(const Options& options, const std::string& model) {
  DetectionOptions of_model = options.detector;
  of_model.model = model;
  return load_detector(of_model);
}

std::string name_of(const std::string& model, const Detector& detector) {
  return model.empty() ? detector.info().name : display_name(model);
}

// Pairs of templates.

/// Reports what pairs of templates give for each detector.
int judge_templates(const Options& options) {
  const evaluation::TemplateList templates =
      evaluation::read_templates({options.templates.begin(), options.templates.end()});
  if (options.images.empty())
    throw UsageError("--images: expected the folder of the lists' images");
  FaceEmbedder embedder = open_embedder(options);
  fmt::print("{} in {}\n\n", counted(templates.faces.size(), "face"),
             counted(templates.templates.size(), "template"));
  evaluation::Diagram diagram = {.title = "Verification of templates",
                                 .x_label = "-log10 of the false accept rate",
                                 .y_label = "true accept rate",
                                 .lines = {}};
  diagram.x_max = -evaluation::kMinFarPower;
  Json report;
  fmt::print("{:<24}", "detector");
  for (int power = evaluation::kMaxFarPower; power >= evaluation::kMinFarPower; --power) {
    fmt::print(" {:>8}", "TAR@" + rate_name(power));
  }
  fmt::print("  missed faces\n");
  for (const std::string& model :
       options.models.empty() ? std::vector<std::string>{""} : options.models) {
    const Detector detector = open_detector(options, model);
    evaluation::TemplatePool pool(templates);
    for_each_in_order(
        thread_count(options.detector), templates.faces.size(),
        [&](std::size_t i) {
          const evaluation::TemplateFace& face = templates.faces[i];
          const fs::path path = fs::path(options.images) / face.image;
          return embedder.embed({printable(path), read_file(path)}, [&](const Image& image) {
            const std::vector<Face> faces = evaluation::detect(
                detector, image, mode_of(options.detector), options.detector.detect);
            return face.box ? points_in_box(faces, *face.box) : points_in_the_middle(faces, image);
          });
        },
        [&](const Embedding& embedding) { pool.add(embedding); });
    print_differences(detector);
    pool.finish();
    evaluation::PairScores scores =
        evaluation::score_template_pairs(options.pairs, templates, pool);
    const evaluation::FarRates rates = evaluation::far_rates(scores);
    const std::string name = name_of(model, detector);
    Json json = {{"name", name},
                 {"missed", pool.missed_faces()},
                 {"missed_templates", pool.missed_templates()},
                 {"missed_pairs", scores.same_missed + scores.different_missed},
                 {"pairs", scores.same_count() + scores.different_count()}};
    add_rates(rates.tar, rates.threshold, json);
    report["detectors"].push_back(std::move(json));
    fmt::print("{:<24}", name);
    for (int power = evaluation::kMaxFarPower; power >= evaluation::kMinFarPower; --power) {
      const auto& tar = rates.tar.at(power);
      fmt::print(" {:>8}", tar ? fmt::format("{:.2f}", percent(*tar)) : std::string("-"));
    }
    fmt::print("  {}\n", pool.missed_faces());
    evaluation::Line& line = diagram.lines.emplace_back();
    line.label = name;
    line.color = static_cast<int>(diagram.lines.size()) - 1;
    constexpr int kPerDecade = 20;
    for (const evaluation::RocPoint& point : evaluation::log_roc(scores, kPerDecade)) {
      line.x.push_back(-std::log10(point.far));
      line.y.push_back(point.tar);
    }
  }
  embedder.save();
  if (!options.json.empty()) pipeline::write_json_report(options.json, std::move(report));
  if (!options.curves.empty()) evaluation::draw_diagrams(options.curves, std::span(&diagram, 1));
  return kSuccess;
}

// Pairs of images.

int judge_pairs(const Options& options) {
  const PairImages images(options);
  const PairList& pairs = images.list();
  FaceEmbedder embedder = open_embedder(options);
  std::size_t count = 0;
  for (const auto& fold : pairs.folds) count += fold.size();
  fmt::print("{}, {} in {}\n\n", counted(pairs.images.size(), "image"), counted(count, "pair"),
             counted(pairs.folds.size(), "fold"));

  std::vector<Judgement> judgements;
  std::vector<Judgement> moved_points;
  const auto judge_by = [&](const std::string& name, const Detector* detector) {
    std::vector<double> shares = {0};
    const bool moves = options.move_points || !options.points_curve.empty();
    if (judgements.empty() && moves) {
      shares.insert(shares.end(), std::begin(kMovedShares), std::end(kMovedShares));
    }
    const auto embeddings = embed_all(options, images, detector, embedder, shares);
    judgements.push_back(judge(name, pairs, embeddings, 0));
    for (std::size_t s = 1; s < shares.size(); ++s) {
      moved_points.push_back(
          judge(fmt::format("{}, points moved {:.0f} %", name, percent(shares[s])), pairs,
                embeddings, s));
    }
  };
  std::vector<std::string> models = options.models;
  if (images.are_aligned()) {
    judge_by("aligned", nullptr);
  } else if (models.empty()) {
    models.emplace_back();
  }
  for (const std::string& model : models) {
    const Detector detector = open_detector(options, model);
    judge_by(name_of(model, detector), &detector);
    print_differences(detector);
  }
  embedder.save();
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
  for (std::size_t i = 0; i < moved_points.size(); ++i) {
    Json& json = report["moved_points"].emplace_back(to_json(moved_points[i]));
    json["moved"] = percent(kMovedShares[i]);
  }
  if (!options.json.empty()) pipeline::write_json_report(options.json, std::move(report));
  if (!options.curves.empty()) draw(options, pairs, judgements);
  if (!options.points_curve.empty()) draw_points_curve(options, judgements.front(), moved_points);
  return kSuccess;
}

int run(const Options& options) {
  if (!options.templates.empty() && (options.move_points || !options.points_curve.empty())) {
    throw UsageError("--move-points, --points-curve: expected pairs of images, not --templates");
  }
  guard_outputs(options);
  try {
    return options.templates.empty() ? judge_pairs(options) : judge_templates(options);
  } catch (const Interrupted&) {
    fmt::print(stderr, "retinaface: interrupted{}\n",
               options.cache.empty() ? "" : "; what was computed is kept in the file of --cache");
    return kInterrupted;
  }
}

}  // namespace

Action declare_evaluate_verification(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->detector.detect.min_score = 0.3F;
  app.add_option("--pairs", options->pairs,
                 "the list of pairs: LFW's pairs.txt; lines of two paths and 1 or 0 for the same "
                 "person or not; CFP's folder Protocol; a .bin file of the ArcFace family, which "
                 "holds aligned faces; with --templates, lines of two templates")
      ->required();
  app.add_option("--templates", options->templates,
                 "judge templates by IJB-C's 1:1 protocol: the list of their faces "
                 "(ijbc_face_tid_mid.txt, or NIST's tables; may be given several times)");
  app.add_option("--images", options->images,
                 "folder of the images that the list names; a .bin file needs none");
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
  app.add_option("--points-curve", options->points_curve,
                 "draw that into this file (.png, .svg, .pdf; needs gnuplot)");
  add_detector_options(app, options->detector);
  app.add_option(
      "--cache", options->cache,
      "keep embeddings in this file for the next evaluation, by the image's content, the "
      "points and the recogniser");
  app.add_option("--cache-size", options->cache_mib,
                 "of that file at most, MiB; what was used longest ago is dropped")
      ->check(whole_number(1, 1 << 20))
      ->capture_default_str();
  app.add_option("-o,--json,--output", options->json, "write the figures to this file");
  app.add_option(
      "--curves", options->curves,
      "draw true against false accepts into this file (.png, .svg, .pdf; needs gnuplot)");
  add_overwrite_option(app, options->overwrite);
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
