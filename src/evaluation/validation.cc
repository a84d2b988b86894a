#include "evaluation/validation.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/file.h"
#include "dataset/annotated_image.h"
#include "dataset/read_set.h"
#include "evaluation/annotated_truth.h"
#include "evaluation/detection_mode.h"
#include "evaluation/wider_evaluation.h"
#include "evaluation/wider_predictions.h"
#include "evaluation/wider_source.h"

namespace retinaface::evaluation {

namespace fs = std::filesystem;

ValidationSet::ValidationSet(const fs::path& path, const dataset::ChosenCategories& categories) {
  const fs::path ground_truth = fs::weakly_canonical(path).parent_path() / "ground_truth";
  if (!path_exists(path / "label.txt") && folder_exists(path) && path_exists(ground_truth)) {
    read_wider(path / "images", ground_truth);
  } else {
    read_annotations(path, categories);
  }
}

void ValidationSet::read_wider(const fs::path& images, const fs::path& ground_truth) {
  truth_ = read_wider_ground_truth(ground_truth);
  images_ = find_wider_images(truth_, images).by_image;
  subsets_ = true;
}

void ValidationSet::read_annotations(const fs::path& path,
                                     const dataset::ChosenCategories& categories) {
  dataset::TrainingSet set = dataset::read_training_set(path, categories);
  AnnotatedTruth annotated = truth_of(set, printable(path));
  left_out_ = std::move(set.left_out);
  truth_ = std::move(annotated.truth);
  images_ = std::move(annotated.files.by_image);
}

Metrics ValidationSet::judge(
    const Detector& detector, int threads,
    const std::function<void(const std::string& problem)>& report_problem) const {
  for (const dataset::LeftOutImage& image : left_out_) report_problem(image.problem);
  std::vector<std::size_t> numbers;
  for (const auto& [number, path] : images_) numbers.push_back(number);
  const DetectionsByImage found = detections_of(
      [&](std::size_t number) {
        const Image image = dataset::read_annotated_image(images_.at(number));
        return to_wider(detector.detect(image, {.min_score = kMinJudgedScore}));
      },
      numbers, threads, {}, report_problem);
  const WiderReport report = evaluate_wider(truth_, match_detections(truth_, found));
  const auto percent = [&](Subset subset) { return 100 * report.of(subset).average_precision; };
  if (!subsets_) return {{"ap", percent(Subset::kHard)}};
  const double easy = percent(Subset::kEasy);
  const double medium = percent(Subset::kMedium);
  const double hard = percent(Subset::kHard);
  return {
      {"mean_ap", (easy + medium + hard) / 3}, {"easy", easy}, {"medium", medium}, {"hard", hard}};
}

std::vector<ValidationSet::Example> ValidationSet::examples(std::size_t count) const {
  const std::size_t some = std::min(count, images_.size());
  std::vector<Example> examples;
  for (std::size_t i = 0; i < some; ++i) {
    const auto place = static_cast<std::ptrdiff_t>(i * images_.size() / some);
    const auto& [number, file] = *std::next(images_.begin(), place);
    examples.push_back({file, truth_.images[number]});
  }
  return examples;
}

}  // namespace retinaface::evaluation
