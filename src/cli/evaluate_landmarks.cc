#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "cli/backend_option.h"
#include "cli/evaluate.h"
#include "cli/progress.h"
#include "cli/values.h"
#include "dataset/annotated_image.h"
#include "dataset/label_txt.h"
#include "dataset/mtfl_txt.h"
#include "evaluation/landmark_report.h"
#include "mesh/topology.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using evaluation::LandmarkError;
using evaluation::LandmarkReport;

struct Options {
  std::string labels;
  std::string images;
  std::string aflw;
  int every = 1;
  bool mesh = false;
  DetectionOptions detector;
  FigureFiles figures;
};

constexpr float kMinIou = 0.5F;
constexpr int kBorderPx = 75;  // AFLW's faces fill their images

/// The detector's options, with meshes if their points are judged.
DetectOptions detect_options(const Options& options) {
  DetectOptions detect = options.detector.detect;
  detect.mesh = options.mesh;
  return detect;
}

/// Puts the five points of faces' meshes in the place of those that were found.
std::vector<Face> with_points_of_meshes(std::vector<Face> faces) {
  for (Face& face : faces) {
    if (face.mesh) face.landmarks = mesh::five_of(landmarks_68(*face.mesh));
  }
  return faces;
}

/// One face that was to be found: its group in the report, and its error where it was found.
struct Outcome {
  std::size_t group = 0;
  std::optional<LandmarkError> error = {};
};

/// Calls `work(item)` for every item, by the given number of threads, and adds the outcomes to the
/// report in the items' order.
template <typename Item, typename Work>
void evaluate_all(const std::vector<Item>& items, int threads, Work work, LandmarkReport& report) {
  ProgressLine progress("detecting");
  std::size_t done = 0;
  run_over(
      threads, items.size(), [&](std::size_t i) { return work(items[i]); },
      [&](const std::vector<Outcome>& outcomes) {
        for (const Outcome& outcome : outcomes) report.add(outcome.group, outcome.error);
        progress.show(++done, items.size());
      });
}

/// Every n-th of the items, the first included.
template <typename Item>
std::vector<Item> thinned(const std::vector<Item>& items, int every) {
  std::vector<Item> result;
  for (std::size_t i = 0; i < items.size(); i += static_cast<std::size_t>(every)) {
    result.push_back(items[i]);
  }
  return result;
}

std::vector<Outcome> evaluate_labelled(const Detector& detector, const Options& options,
                                       const dataset::AnnotatedImage& image) {
  const auto faces = with_points_of_meshes(
      evaluation::detect_in_file(detector, fs::path(options.images) / image.path,
                                 mode_of(options.detector), detect_options(options)));
  const auto assigned = evaluation::assign_faces(image.faces, faces, kMinIou);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < image.faces.size(); ++i) {
    const dataset::AnnotatedFace& truth = image.faces[i];
    if (truth.ignored || !dataset::has_landmarks(truth)) continue;
    Outcome& outcome = outcomes.emplace_back();
    outcome.group = evaluation::height_group(truth.box.height());
    if (assigned[i]) {
      outcome.error = evaluation::landmark_error(faces[*assigned[i]].landmarks,
                                                 dataset::landmarks_of(truth), truth.box);
    }
  }
  return outcomes;
}

LandmarkReport evaluate_labels(const Detector& detector, const Options& options) {
  const dataset::AnnotationSet all = dataset::read_label_txt(options.labels);
  dataset::AnnotationSet present;
  for (const dataset::AnnotatedImage& image : all) {
    if (path_exists(fs::path(options.images) / image.path)) present.push_back(image);
  }
  if (present.empty()) {
    fail(ErrorCode::kNotFound, "{}: none of the {} images of {} are there",
         printable(options.images), all.size(), printable(options.labels));
  }
  const auto images = thinned(present, options.every);
  fmt::print("{} of {} images\n\n", images.size(), all.size());
  LandmarkReport report = evaluation::new_report_by_height();
  evaluate_all(
      images, thread_count(options.detector),
      [&](const dataset::AnnotatedImage& image) {
        return evaluate_labelled(detector, options, image);
      },
      report);
  return report;
}

/// An image that one face fills; of the faces found around its centre the best counts.
std::vector<Outcome> evaluate_posed(const Detector& detector, const Options& options,
                                    const dataset::PosedFace& truth) {
  const Image image = evaluation::with_border(
      dataset::read_annotated_image(fs::path(options.aflw) / "images" / truth.path), kBorderPx);
  const auto faces = with_points_of_meshes(
      evaluation::detect(detector, image, mode_of(options.detector), detect_options(options)));
  Outcome outcome{.group = static_cast<std::size_t>(truth.pose) - 1};
  const Point center{static_cast<float>(image.width()) / 2, static_cast<float>(image.height()) / 2};
  if (const Face* face = evaluation::best_face_around(faces, center)) {
    Landmarks expected = truth.landmarks;
    for (Point& point : expected) point = {point.x + kBorderPx, point.y + kBorderPx};
    outcome.error = evaluation::landmark_error(face->landmarks, expected, face->box);
  }
  return {outcome};
}

LandmarkReport evaluate_aflw(const Detector& detector, const Options& options) {
  const auto all = dataset::read_mtfl_txt(fs::path(options.aflw) / "label.txt");
  const auto faces = thinned(all, options.every);
  fmt::print("{} of {} images\n\n", faces.size(), all.size());
  LandmarkReport report = evaluation::new_report_by_pose();
  evaluate_all(
      faces, thread_count(options.detector),
      [&](const dataset::PosedFace& face) { return evaluate_posed(detector, options, face); },
      report);
  return report;
}

/// Checks before any work that nothing is destroyed by the figures.
void guard_outputs(const Options& options) {
  pipeline::OutputGuard guard(options.figures.overwrite);
  guard.reads(options.labels);
  guard_figures(options.labels.empty() ? options.aflw : options.images, options.detector.model,
                options.figures, guard);
}

int run(const Options& options) {
  const bool by_labels = !options.labels.empty();
  if (by_labels != !options.images.empty() || by_labels == !options.aflw.empty()) {
    throw UsageError("expected --labels FILE --images DIR, or --aflw DIR");
  }
  if (options.mesh) refuse_merging(options.detector, "--mesh");
  guard_outputs(options);
  const Detector detector = load_detector(options.detector);
  const LandmarkReport report =
      by_labels ? evaluate_labels(detector, options) : evaluate_aflw(detector, options);
  fmt::print("{}", evaluation::format_report(report));
  if (!by_labels) fmt::print("{}", evaluation::aflw_in_the_paper());
  print_differences(detector);
  write_json(options.figures, evaluation::to_json(report));
  if (!options.figures.curves.empty()) {
    evaluation::draw_landmark_curves(options.figures.curves, name_of(options.detector), report);
  }
  return kSuccess;
}

}  // namespace

Action declare_evaluate_landmarks(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->detector.detect.min_score = 0.3F;
  app.add_option("--labels", options->labels, "a label.txt with five points a face");
  app.add_option("--images", options->images,
                 "folder of its images; those that are there are judged");
  app.add_option("--aflw", options->aflw,
                 "folder of label.txt and images/ of one face each, as MTFL has them");
  app.add_option("--every", options->every, "take every n-th image only")
      ->check(whole_number(1, 1'000'000))
      ->capture_default_str();
  app.add_flag("--mesh", options->mesh, "judge the five points of the faces' meshes");
  app.add_option("--model", options->detector.model,
                 "judge this model: its name, or a .safetensors file");
  add_detector_options(app, options->detector);
  add_figure_options(app, options->figures, "the cumulative error");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
