#include "cli/training/validation.h"

#include <memory>
#include <numeric>

#include "retinaface/detector.h"

#include "base/check.h"
#include "base/file.h"
#include "cli/evaluate.h"
#include "dataset/label_txt.h"
#include "evaluation/wider_evaluation.h"
#include "evaluation/wider_predictions.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using evaluation::Subset;

/// Faces to find, and the pictures that they are in, by the same index.
struct JudgedSet {
  evaluation::WiderGroundTruth truth;
  std::map<std::size_t, fs::path> pictures;
  bool subsets = false;  ///< easy, medium and hard differ
};

JudgedSet read_wider_set(const fs::path& images, const fs::path& ground_truth) {
  JudgedSet set;
  set.truth = evaluation::read_wider_ground_truth(ground_truth);
  set.pictures = evaluation::find_wider_files(set.truth, images, picture_extensions()).by_picture;
  set.subsets = true;
  return set;
}

/// The same protocol on other labels: one event, and all faces that are not ignored count.
JudgedSet read_labelled_set(const fs::path& folder) {
  JudgedSet set;
  set.truth.events = {"all"};
  for (const dataset::AnnotatedImage& image : dataset::read_label_txt(folder / "label.txt")) {
    evaluation::WiderPicture picture;
    picture.name = image.path;
    std::vector<std::uint8_t> counted;
    for (const dataset::AnnotatedFace& face : image.faces) {
      picture.faces.push_back({static_cast<double>(face.box.x0), static_cast<double>(face.box.y0),
                               static_cast<double>(face.box.width()),
                               static_cast<double>(face.box.height())});
      counted.push_back(face.ignored ? 0 : 1);
    }
    picture.counted.fill(counted);
    set.pictures.emplace(set.truth.pictures.size(), folder / "images" / image.path);
    set.truth.pictures.push_back(std::move(picture));
  }
  return set;
}

JudgedSet read_set(const fs::path& folder) {
  if (fs::exists(folder / "label.txt")) return read_labelled_set(folder);
  const fs::path ground_truth = fs::weakly_canonical(folder).parent_path() / "ground_truth";
  if (!fs::exists(ground_truth)) {
    fail(ErrorCode::kNotFound, "{}: expected label.txt in it, or WIDER's ground truth in {}",
         printable(folder), printable(ground_truth));
  }
  return read_wider_set(folder / "images", ground_truth);
}

training::Figures judge(const JudgedSet& set, const Detector& detector, int threads) {
  constexpr float kEvenUnlikely = 0.02F;
  std::vector<std::size_t> pictures;
  for (const auto& [picture, path] : set.pictures) pictures.push_back(picture);
  const auto matches = evaluation::match_pictures(
      set.truth, pictures,
      [&](std::size_t picture) {
        const Image image = read_image(set.pictures.at(picture), {.apply_orientation = false});
        return evaluation::to_wider(detector.detect(image, {.min_score = kEvenUnlikely}));
      },
      threads);
  const evaluation::WiderReport report = evaluation::evaluate_wider(set.truth, matches);
  const auto percent = [&](Subset subset) { return 100 * report.of(subset).average_precision; };
  if (!set.subsets) return {{"ap", percent(Subset::kHard)}};
  const double easy = percent(Subset::kEasy);
  const double medium = percent(Subset::kMedium);
  const double hard = percent(Subset::kHard);
  return {
      {"mean_ap", (easy + medium + hard) / 3}, {"easy", easy}, {"medium", medium}, {"hard", hard}};
}

}  // namespace

training::Validation make_validation(const fs::path& folder, const fs::path& scratch, int threads) {
  const auto set = std::make_shared<const JudgedSet>(read_set(folder));
  return [set, scratch, threads](const graph::Weights& weights) {
    graph::write_safetensors(scratch, weights);
    const Detector detector(scratch);
    fs::remove(scratch);
    return judge(*set, detector, threads);
  };
}

}  // namespace retinaface::cli
