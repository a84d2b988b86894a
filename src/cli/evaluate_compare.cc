#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/evaluate.h"
#include "cli/option_spelling.h"
#include "cli/progress.h"
#include "cli/tell.h"
#include "cli/values.h"
#include "evaluation/comparison_report.h"
#include "evaluation/disagreement_page.h"
#include "evaluation/wider_curves.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

using evaluation::DetectionSource;
using evaluation::WiderFiles;
using evaluation::WiderGroundTruth;

struct Options {
  std::vector<std::string> detectors;
  std::string ground_truth;
  std::string images;
  DetectionOptions detector;
  int samples = 1000;
  std::uint64_t seed = 1;
  FigureFiles figures;
  std::string out;
  std::size_t max_images = 12;
};

/// One of the detectors that are compared: a folder of predictions or a model.
struct DetectorArgument {
  std::string name;
  std::string path;
  bool is_folder = false;
  WiderFiles predictions;  ///< of a folder
  DetectionSource source;
  std::optional<Detector> detector = {};  ///< of a model
};

/// "NAME=PATH", or the path alone, which then gives the name.
DetectorArgument parse_detector(const std::string& argument) {
  DetectorArgument detector{
      .name = display_name(argument), .path = argument, .predictions = {}, .source = {}};
  const std::size_t equals = argument.find('=');
  if (equals != std::string::npos && equals > 0 && !path_exists(argument)) {
    detector.name = argument.substr(0, equals);
    detector.path = argument.substr(equals + 1);
  }
  detector.is_folder = folder_exists(detector.path);
  return detector;
}

std::vector<DetectorArgument> parse_detectors(const Options& options) {
  std::vector<DetectorArgument> detectors;
  for (const std::string& argument : options.detectors) {
    detectors.push_back(parse_detector(argument));
    const DetectorArgument& detector = detectors.back();
    if (!detector.is_folder && options.images.empty()) {
      throw UsageError(fmt::format("{} is no folder of predictions, and a model needs --images DIR",
                                   printable(detector.path)));
    }
    const auto same = std::ranges::count(detectors, detector.name, &DetectorArgument::name);
    if (same > 1) {
      throw UsageError(fmt::format("two detectors called {}; call one of them otherwise, NAME={}",
                                   printable(detector.name), printable(detector.path)));
    }
  }
  return detectors;
}

/// The images for which all folders have predictions; says on standard error how many are left out.
std::vector<std::size_t> common_images(const std::vector<DetectorArgument>& detectors) {
  std::vector<const WiderFiles*> folders;
  std::size_t maximum = 0;
  for (const DetectorArgument& detector : detectors) {
    folders.push_back(&detector.predictions);
    maximum = std::max(maximum, detector.predictions.by_image.size());
  }
  std::vector<std::size_t> common = evaluation::common_images(folders);
  if (common.size() < maximum) {
    tell(
        "retinaface: {} images have predictions in all folders, up to {} in one; the "
        "others are left out (--images counts them as without detections)\n",
        common.size(), maximum);
  }
  return common;
}

evaluation::ComparedDetector judge(const DetectorArgument& detector, const Options& options,
                                   const WiderGroundTruth& truth,
                                   const std::vector<std::size_t>& images) {
  if (detector.is_folder) report_missing(detector.path, detector.predictions, images);
  ProgressLine progress(
      fmt::format("{} {}", detector.is_folder ? "reading" : "detecting with", detector.name));
  return {detector.name, evaluation::match_images(
                             truth, images, detector.source, thread_count(options.detector),
                             [&](std::size_t done, std::size_t of) { progress.show(done, of); })};
}

/// Writes the images in which the detectors differ most, and a page that shows them.
void draw_disagreements(const Options& options, const WiderGroundTruth& truth,
                        const WiderFiles& images, const std::vector<DetectorArgument>& detectors,
                        const std::vector<evaluation::ComparedDetector>& results,
                        const evaluation::Comparison& comparison) {
  std::vector<DetectionSource> sources;
  std::vector<std::string> names;
  for (const DetectorArgument& detector : detectors) {
    sources.push_back(detector.source);
    names.push_back(detector.name);
  }
  std::size_t drawn = 0;
  {
    ProgressLine progress("drawing");
    drawn = evaluation::write_disagreements(
        options.out, truth, images, sources, results, comparison, options.max_images,
        [&](std::size_t done, std::size_t of) { progress.show(done, of); });
  }
  print_table(options.figures, "\n{}: the {} images that differ most, from left to right {}\n",
              printable(evaluation::disagreement_page(options.out)), drawn, fmt::join(names, ", "));
}

void draw_curves(const Options& options, const evaluation::Comparison& comparison) {
  std::vector<evaluation::NamedReport> reports;
  for (const evaluation::ComparisonRow& row : comparison.rows) {
    reports.push_back({row.name, &row.report});
  }
  evaluation::draw_wider_curves(options.figures.curves, reports);
}

/// Checks before any work that nothing is destroyed by what will be written.
void guard_outputs(const Options& options, const std::vector<DetectorArgument>& detectors,
                   const WiderFiles& images) {
  pipeline::OutputGuard guard(options.figures.overwrite, kOptionSpelling);
  guard_figures(options.ground_truth, {}, options.figures, guard);
  for (const auto& [index, file] : images.by_image) guard.reads(file);
  for (const DetectorArgument& detector : detectors) {
    if (!detector.is_folder) guard.reads_model(detector.path);
    for (const auto& [index, file] : detector.predictions.by_image) guard.reads(file);
  }
  if (options.out.empty()) return;
  guard.writes(evaluation::disagreement_page(options.out), pipeline::OutputKind::kPage);
  guard.writes({options.out, ".jpg", pipeline::OutputKind::kImage});
}

int run(const Options& options) {
  if (!options.out.empty() && options.images.empty()) {
    throw UsageError("--out draws on images, say where they are: --images DIR");
  }
  std::vector<DetectorArgument> detectors = parse_detectors(options);
  const WiderGroundTruth truth = evaluation::read_wider_ground_truth(options.ground_truth);
  WiderFiles images;
  if (!options.images.empty()) images = evaluation::find_wider_images(truth, options.images);
  for (DetectorArgument& detector : detectors) {
    if (detector.is_folder) {
      detector.predictions = find_predictions(truth, detector.path);
      detector.source = evaluation::from_predictions(detector.predictions);
    } else {
      detector.detector =
          open_detector(detector.path, options.detector.backend, options.detector.type);
      detector.source = evaluation::from_detector(*detector.detector, mode_of(options.detector),
                                                  options.detector.detect, images);
    }
  }
  guard_outputs(options, detectors, images);
  const auto indices =
      options.images.empty() ? common_images(detectors) : evaluation::images_of(images);

  std::vector<evaluation::ComparedDetector> results;
  for (const DetectorArgument& detector : detectors) {
    results.push_back(judge(detector, options, truth, indices));
    if (detector.detector) print_differences(*detector.detector);
  }
  evaluation::Comparison comparison;
  {
    ProgressLine progress("resampling");
    comparison =
        evaluation::compare(truth, results,
                            {.samples = options.samples,
                             .seed = options.seed,
                             .threads = thread_count(options.detector)},
                            [&](std::size_t done, std::size_t of) { progress.show(done, of); });
  }
  print_table(options.figures, "{}", evaluation::format_comparison(comparison));
  write_json(options.figures, evaluation::to_json(comparison));
  if (!options.figures.curves.empty()) draw_curves(options, comparison);
  if (!options.out.empty()) {
    draw_disagreements(options, truth, images, detectors, results, comparison);
  }
  return kSuccess;
}

}  // namespace

Action declare_evaluate_compare(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("DETECTOR", options->detectors,
                 "two or more, each a folder of predictions as DIR/EVENT/NAME.txt, a "
                 "model's name or a .safetensors file; NAME=DETECTOR gives it a name")
      ->required()
      ->expected(-2);
  app.add_option("--ground-truth", options->ground_truth,
                 "folder of wider_face_val.mat and wider_{easy,medium,hard}_val.mat")
      ->required();
  app.add_option("--images", options->images,
                 "folder of the images, IMAGES/EVENT/NAME.jpg; those that are there are judged "
                 "(without it: those for which all folders have predictions)");
  add_detector_options(app, options->detector);
  app.add_option("--samples", options->samples,
                 "how often the images are drawn anew for the 95 % intervals")
      ->check(whole_number(2, 1'000'000))
      ->capture_default_str();
  app.add_option("--seed", options->seed, "of the draws")
      ->check(whole_number(0))
      ->capture_default_str();
  app.add_option("--out", options->out,
                 "folder for the images that differ most, drawn beside each other, and for "
                 "index.html, which shows them");
  app.add_option("--max-images,--pictures", options->max_images, "how many of them")
      ->check(whole_number(1, 10000))
      ->capture_default_str();
  add_figure_options(app, options->figures, "all detectors' precision over recall");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
