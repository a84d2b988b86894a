#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/counted.h"
#include "base/file.h"
#include "base/random.h"
#include "cli/backend_option.h"
#include "cli/values.h"
#include "cli/verification_options.h"
#include "evaluation/plot.h"
#include "evaluation/verification.h"
#include "image/codecs/image_name.h"
#include "interchange/verification_bin.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using evaluation::PairList;
using evaluation::Similarities;
using evaluation::VerificationResult;
using Json = nlohmann::json;

double percent(double share) {
  return 100 * share;
}

/// One line of the results.
struct Judgement {
  std::string name;
  std::size_t missed = 0;  ///< images
  VerificationResult result;
  Similarities similarities;
  std::optional<evaluation::AccuracyDifference> to_first;  ///< from the first one's accuracy
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
  explicit PairImages(const VerificationOptions& options) : folder_(options.images) {
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
std::vector<std::vector<Embedding>> embed_all(const VerificationOptions& options,
                                              const PairImages& images, const Detector* detector,
                                              FaceEmbedder& embedder,
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
    const auto rate = [&](int power) { return rate_text(judgement.result.tar_at_far.at(power)); };
    fmt::print("{:<24} {:>7.2f} +- {:<4.2f} {:>10} {:>10} {:>10}  {}\n", judgement.name,
               percent(judgement.result.accuracy), percent(judgement.result.accuracy_error),
               rate(-1), rate(-2), rate(-3), judgement.missed);
  }
}

void draw(const VerificationOptions& options, const PairList& pairs,
          const std::vector<Judgement>& judgements) {
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
  evaluation::draw_diagrams(options.figures.curves, std::span(&diagram, 1));
}

/// How accuracy falls as the points move.
void draw_points_curve(const VerificationOptions& options, const Judgement& unmoved,
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

void print_differences_to_first(const std::vector<Judgement>& judgements) {
  for (const Judgement& judgement : judgements) {
    if (!judgement.to_first) continue;
    fmt::print(
        "\n{} against {}: {:+.2f} points of accuracy, 95 % of resampled pairs between {:+.2f} "
        "and {:+.2f}\n",
        judgement.name, judgements.front().name, percent(judgement.to_first->mean),
        percent(judgement.to_first->low), percent(judgement.to_first->high));
  }
}

Json report_of(const std::vector<Judgement>& judgements,
               const std::vector<Judgement>& moved_points) {
  Json report;
  for (const Judgement& judgement : judgements) {
    Json& json = report["detectors"].emplace_back(to_json(judgement));
    if (!judgement.to_first) continue;
    json["difference"] = {{"mean", percent(judgement.to_first->mean)},
                          {"low", percent(judgement.to_first->low)},
                          {"high", percent(judgement.to_first->high)}};
  }
  for (std::size_t i = 0; i < moved_points.size(); ++i) {
    Json& json = report["moved_points"].emplace_back(to_json(moved_points[i]));
    json["moved"] = percent(kMovedShares[i]);
  }
  return report;
}

}  // namespace

int evaluate_image_pairs(const VerificationOptions& options) {
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
    Judgement& judgement = judgements.emplace_back(judge(name, pairs, embeddings, 0));
    if (judgements.size() > 1) {
      judgement.to_first =
          evaluation::accuracy_difference(judgements.front().result, judgement.result);
    }
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

  print_differences_to_first(judgements);
  write_json(options.figures, report_of(judgements, moved_points));
  if (!options.figures.curves.empty()) draw(options, pairs, judgements);
  if (!options.points_curve.empty()) draw_points_curve(options, judgements.front(), moved_points);
  return kSuccess;
}

}  // namespace retinaface::cli
