#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "cli/backend_option.h"
#include "cli/evaluate.h"
#include "cli/option_spelling.h"
#include "cli/progress.h"
#include "cli/values.h"
#include "dataset/annotated_image.h"
#include "dataset/label_txt.h"
#include "dataset/mtfl_txt.h"
#include "evaluation/judged_landmarks.h"
#include "evaluation/landmark_report.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using evaluation::LandmarkOutcome;
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

/// The detector's options, with meshes if their points are judged.
DetectOptions detect_options(const Options& options) {
  DetectOptions detect = options.detector.detect;
  detect.mesh = options.mesh;
  return detect;
}

/// What the detector finds, with the points that are judged.
std::vector<Face> find_faces(const Detector& detector, const Options& options, const Image& image) {
  return evaluation::with_points_of_meshes(
      evaluation::detect(detector, image, mode_of(options.detector), detect_options(options)));
}

/// Calls `work(item)` for every item, by the given number of threads, and adds the outcomes to the
/// report in the items' order.
template <typename Item, typename Work>
void evaluate_all(const std::vector<Item>& items, int threads, Work work, LandmarkReport& report) {
  ProgressLine progress("detecting");
  std::size_t done = 0;
  run_over(
      threads, items.size(), [&](std::size_t i) { return work(items[i]); },
      [&](const std::vector<LandmarkOutcome>& outcomes) {
        for (const LandmarkOutcome& outcome : outcomes) report.add(outcome.group, outcome.error);
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
  print_table(options.figures, "{} of {} images\n\n", images.size(), all.size());
  LandmarkReport report = evaluation::new_report_by_height();
  evaluate_all(
      images, thread_count(options.detector),
      [&](const dataset::AnnotatedImage& image) {
        const Image pixels = dataset::read_annotated_image(fs::path(options.images) / image.path);
        return evaluation::judge_landmarks(image.faces, find_faces(detector, options, pixels));
      },
      report);
  return report;
}

LandmarkReport evaluate_aflw(const Detector& detector, const Options& options) {
  const auto all = dataset::read_mtfl_txt(fs::path(options.aflw) / "label.txt");
  const auto faces = thinned(all, options.every);
  print_table(options.figures, "{} of {} images\n\n", faces.size(), all.size());
  LandmarkReport report = evaluation::new_report_by_pose();
  evaluate_all(
      faces, thread_count(options.detector),
      [&](const dataset::PosedFace& face) -> std::vector<LandmarkOutcome> {
        const Image image =
            dataset::read_annotated_image(fs::path(options.aflw) / "images" / face.path);
        return {evaluation::judge_posed_landmarks(
            face, image, [&](const Image& wide) { return find_faces(detector, options, wide); })};
      },
      report);
  return report;
}

/// Checks before any work that nothing is destroyed by the figures.
void guard_outputs(const Options& options) {
  pipeline::OutputGuard guard(options.figures.overwrite, kOptionSpelling);
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
  print_table(options.figures, "{}", evaluation::format_report(report));
  if (!by_labels) print_table(options.figures, "{}", evaluation::aflw_in_the_paper());
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
  add_model_option(app, options->detector);
  add_detector_options(app, options->detector);
  add_figure_options(app, options->figures, "the cumulative error");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
