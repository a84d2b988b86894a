#include "evaluation/disagreement_page.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "retinaface/image.h"

#include "base/check.h"
#include "base/file.h"
#include "dataset/annotated_image.h"
#include "evaluation/comparison_report.h"
#include "evaluation/image_errors.h"
#include "evaluation/judged_image.h"

namespace retinaface::evaluation {

namespace fs = std::filesystem;

fs::path disagreement_page(const fs::path& folder) {
  return folder / "index.html";
}

std::size_t write_disagreements(const fs::path& folder, const WiderGroundTruth& truth,
                                const WiderFiles& images, std::span<const DetectionSource> sources,
                                std::span<const ComparedDetector> detectors,
                                const Comparison& comparison, std::size_t max_images,
                                const Progress& progress) {
  constexpr int kPanelSide_px = 1024;  // the width of WIDER's images
  RF_CHECK(sources.size() == detectors.size());
  std::vector<double> min_scores;
  for (const ComparedDetector& detector : detectors) {
    min_scores.push_back(best_score(truth, detector.results));
  }
  const auto found = find_disagreements(truth, detectors, min_scores, max_images);
  make_folders(folder);
  std::vector<DrawnDisagreement> drawn;
  for (const Disagreement& disagreement : found) {
    const WiderImage& annotated = truth.images[disagreement.image];
    const Image image = dataset::read_annotated_image(images.by_image.at(disagreement.image));
    std::vector<Image> panels;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      panels.push_back(draw_judged(image, annotated, sources[i](disagreement.image), min_scores[i],
                                   kPanelSide_px));
    }
    const std::string name = fmt::format("{:02}_{}.jpg", drawn.size() + 1, annotated.name);
    write_image(folder / name, side_by_side(panels));
    drawn.push_back({truth.path_of(annotated), name, disagreement});
    if (progress) progress(drawn.size(), found.size());
  }
  write_file_atomically(disagreement_page(folder), format_page(comparison, min_scores, drawn));
  return drawn.size();
}

}  // namespace retinaface::evaluation
