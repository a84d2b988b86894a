#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/category_option.h"
#include "cli/evaluate.h"
#include "cli/option_spelling.h"
#include "cli/progress.h"
#include "cli/tell.h"
#include "dataset/read_set.h"
#include "evaluation/annotated_truth.h"
#include "evaluation/set_report.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

using evaluation::AnnotatedTruth;

struct Options {
  std::string set;
  std::string images;
  dataset::ChosenCategories categories;
  DetectionOptions detector;
  FigureFiles figures;
};

/// What the detector finds in each image that can be read; of the others a line on standard error.
evaluation::DetectionsByImage detect_all(const AnnotatedTruth& annotated, const Options& options) {
  const Detector detector = load_detector(options.detector);
  ProgressLine progress("detecting");
  auto found = evaluation::detections_of(
      evaluation::from_detector(detector, mode_of(options.detector), options.detector.detect,
                                annotated.files),
      evaluation::images_of(annotated.files), thread_count(options.detector),
      [&](std::size_t done, std::size_t of) { progress.show(done, of); },
      [](const std::string& problem) { tell("retinaface: {}\n", problem); });
  print_differences(detector);
  return found;
}

/// Checks before any work that nothing is destroyed by what will be written.
void guard_outputs(const Options& options, const dataset::FoundSet& found,
                   const AnnotatedTruth& annotated) {
  pipeline::OutputGuard guard(options.figures.overwrite, kOptionSpelling);
  guard.reads(found.source);
  for (const auto& [index, file] : annotated.files.by_image) guard.reads(file);
  const bool is_folder = folder_exists(found.source);
  guard_figures(is_folder ? found.source.string() : std::string(), options.detector.model,
                options.figures, guard);
}

int run(const Options& options) {
  dataset::FoundSet found = dataset::read_set(options.set, options.categories, options.images);
  const AnnotatedTruth annotated = evaluation::truth_of(found.set, printable(options.set));
  guard_outputs(options, found, annotated);
  const evaluation::DetectionsByImage detections = detect_all(annotated, options);
  for (const dataset::LeftOutImage& image : found.set.left_out) {
    tell("retinaface: {}\n", image.problem);
  }
  const std::size_t unread =
      annotated.files.by_image.size() - detections.size() + found.set.left_out.size();
  if (detections.empty()) {
    fail(ErrorCode::kBadData, "{}: expected images that can be read, found none in {}",
         printable(options.set), printable(found.set.images));
  }
  const evaluation::SetReport report = evaluation::judge_set(annotated, detections);
  print_table(options.figures, "{}", evaluation::format_report(report));
  write_json(options.figures, evaluation::to_json(report));
  if (unread == 0) return kSuccess;
  tell("retinaface: {} could not be read and left out\n", counted(unread, "image"));
  return kSomeFailed;
}

}  // namespace

Action declare_evaluate_set(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("SET", options->set,
                 "annotated images as training takes them: a set's folder, or the file of its "
                 "annotations (RetinaFace's label.txt, WIDER's bbx_gt.txt, COCO's JSON, VOC's XML, "
                 "or YOLO's labels/ beside images/)")
      ->required();
  app.add_option("--images", options->images,
                 "folder of the images (default: looked for beside the annotations)");
  add_model_option(app, options->detector);
  add_category_option(app, options->categories);
  add_detector_options(app, options->detector);
  add_figure_options(app, options->figures);
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
