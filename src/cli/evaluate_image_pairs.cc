#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/counted.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/interruption.h"
#include "cli/progress.h"
#include "cli/values.h"
#include "cli/verification_options.h"
#include "evaluation/plot.h"
#include "evaluation/verification_report.h"
#include "image/codecs/image_name.h"
#include "interchange/verification_bin.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using evaluation::PairJudgement;

/// The images of a list of pairs, where they are.
class PairImages {
 public:
  explicit PairImages(const VerificationOptions& options) : folder_(options.images) {
    if (lower_case_extension(options.pairs) == ".bin") {
      bin_ = interchange::parse_verification_bin(read_named_file(options.pairs),
                                                 printable(options.pairs));
      list_ = evaluation::pairs_in_order(bin_->same, printable(options.pairs));
    } else {
      if (folder_.empty()) throw UsageError("--images: expected the folder of the list's images");
      list_ = evaluation::read_pairs(options.pairs);
    }
  }

  const evaluation::PairList& list() const { return list_; }
  /// Whether the images are aligned faces, as .bin files have them.
  bool are_aligned() const { return bin_.has_value(); }

  evaluation::ImageFile image(std::size_t i) const {
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
  evaluation::PairList list_;
};

/// Embeds all images with a line of progress. Without a detector they are aligned faces.
evaluation::MovedEmbeddings embed_all(const VerificationOptions& options, const PairImages& images,
                                      const Detector* detector, const std::vector<double>& shares,
                                      evaluation::FaceEmbedder& embedder) {
  const auto place = [&](const Image& image) -> std::optional<Landmarks> {
    if (detector == nullptr) return evaluation::points_of_aligned(image);
    return evaluation::points_in_the_middle(
        evaluation::detect(*detector, image, mode_of(options.detector), options.detector.detect),
        image);
  };
  ProgressLine progress("embedding");
  return evaluation::embed_images(
      images.list().images.size(), [&](std::size_t i) { return images.image(i); }, place, shares,
      embedder,
      {.threads = thread_count(options.detector),
       .stop = &end_cleanly_when_interrupted(),
       .progress = [&](std::size_t done, std::size_t of) { progress.show(done, of); }});
}

}  // namespace

int evaluate_image_pairs(const VerificationOptions& options) {
  const PairImages images(options);
  const evaluation::PairList& pairs = images.list();
  evaluation::FaceEmbedder embedder = open_embedder(options);
  std::size_t count = 0;
  for (const auto& fold : pairs.folds) count += fold.size();
  print_table(options.figures, "{}, {} in {}\n\n", counted(pairs.images.size(), "image"),
              counted(count, "pair"), counted(pairs.folds.size(), "fold"));

  std::vector<PairJudgement> judgements;
  std::vector<PairJudgement> moved_points;
  const auto judge_by = [&](const std::string& name, const Detector* detector) {
    std::vector<double> shares = {0};
    const bool moves = options.move_points || !options.points_curve.empty();
    if (judgements.empty() && moves) {
      shares.insert(shares.end(), evaluation::kMovedShares.begin(), evaluation::kMovedShares.end());
    }
    const auto embeddings = embed_all(options, images, detector, shares, embedder);
    PairJudgement& judgement =
        judgements.emplace_back(evaluation::judge_pairs(name, pairs, embeddings, 0));
    if (judgements.size() > 1) {
      judgement.to_first =
          evaluation::accuracy_difference(judgements.front().result, judgement.result);
    }
    for (std::size_t s = 1; s < shares.size(); ++s) {
      moved_points.push_back(evaluation::judge_pairs(
          fmt::format("{}, points moved {:.0f} %", name, 100 * shares[s]), pairs, embeddings, s));
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
  save(embedder);
  print_table(options.figures, "{}", evaluation::format_pairs(judgements));
  if (!moved_points.empty())
    print_table(options.figures, "\n{}", evaluation::format_pairs(moved_points));
  print_table(options.figures, "{}", evaluation::format_differences(judgements));
  write_json(options.figures, evaluation::to_json(judgements, moved_points));
  if (!options.figures.curves.empty()) {
    const evaluation::Diagram diagram = evaluation::pairs_diagram(pairs, judgements);
    evaluation::draw_diagrams(options.figures.curves, std::span(&diagram, 1));
  }
  if (!options.points_curve.empty()) {
    const evaluation::Diagram diagram =
        evaluation::moved_points_diagram(judgements.front(), moved_points);
    evaluation::draw_diagrams(options.points_curve, std::span(&diagram, 1));
  }
  return kSuccess;
}

}  // namespace retinaface::cli
