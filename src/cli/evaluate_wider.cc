#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/evaluate.h"
#include "cli/option_spelling.h"
#include "cli/progress.h"
#include "evaluation/false_alarms.h"
#include "evaluation/wider_curves.h"
#include "evaluation/wider_evaluation.h"
#include "evaluation/wider_predictions.h"
#include "evaluation/wider_report.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string ground_truth;
  std::string predictions;
  std::string images;
  DetectionOptions detector;
  std::string save_predictions;
  std::string false_alarms;
  FigureFiles figures;
  std::string name;
};

void check(const Options& options) {
  if (options.predictions.empty() && options.images.empty()) {
    throw UsageError("say what to judge, --predictions DIR or --images DIR");
  }
  if (!options.predictions.empty() && !options.detector.model.empty()) {
    throw UsageError("--predictions and --model exclude each other");
  }
  if (!options.predictions.empty() && !options.detector.backend.empty()) {
    throw UsageError("--predictions and --backend exclude each other");
  }
  if (!options.predictions.empty() && !options.detector.type.empty()) {
    throw UsageError("--predictions and --type exclude each other");
  }
  if (!options.predictions.empty() && !options.save_predictions.empty()) {
    throw UsageError("--save-predictions: there are predictions already");
  }
  if (!options.false_alarms.empty() && options.images.empty()) {
    throw UsageError("--false-alarms: say with --images where the images are");
  }
}

std::vector<evaluation::ImageMatches> judge_predictions(const Options& options,
                                                        const evaluation::WiderGroundTruth& truth,
                                                        const evaluation::WiderFiles* images,
                                                        evaluation::FalseAlarms& alarms) {
  auto files = find_predictions(truth, options.predictions);
  const std::vector<std::size_t> indices =
      evaluation::images_of(images != nullptr ? *images : files);
  report_missing(options.predictions, files, indices);
  ProgressLine progress("reading predictions");
  return evaluation::match_images(
      truth, indices, evaluation::telling(alarms, evaluation::from_predictions(std::move(files))),
      1, [&](std::size_t done, std::size_t of) { progress.show(done, of); });
}

fs::path place_of_predictions(const fs::path& folder, const std::string& image) {
  return folder / (image + ".txt");
}

void save(const fs::path& folder, const std::string& image,
          const std::vector<evaluation::Detection>& detections) {
  const fs::path path = place_of_predictions(folder, image);
  make_folders(path.parent_path());
  write_file_atomically(path, evaluation::format_wider_predictions(image, detections));
}

std::vector<evaluation::ImageMatches> judge_model(const Options& options,
                                                  const evaluation::WiderGroundTruth& truth,
                                                  const evaluation::WiderFiles& images,
                                                  evaluation::FalseAlarms& alarms) {
  const Detector detector = load_detector(options.detector);
  const auto model =
      evaluation::telling(alarms, evaluation::from_detector(detector, mode_of(options.detector),
                                                            options.detector.detect, images));
  ProgressLine progress("detecting");
  auto results = evaluation::match_images(
      truth, evaluation::images_of(images),
      [&](std::size_t image) {
        auto detections = model(image);
        if (!options.save_predictions.empty()) {
          save(options.save_predictions, truth.path_of(truth.images[image]), detections);
        }
        return detections;
      },
      thread_count(options.detector),
      [&](std::size_t done, std::size_t of) { progress.show(done, of); });
  print_differences(detector);
  return results;
}

std::string name_of(const Options& options) {
  if (!options.name.empty()) return options.name;
  if (!options.predictions.empty()) return display_name(options.predictions);
  return name_of(options.detector);
}

/// Checks before any work that nothing is destroyed by what will be written.
void guard_outputs(const Options& options, const evaluation::WiderGroundTruth& truth,
                   const evaluation::WiderFiles* images) {
  pipeline::OutputGuard guard(options.figures.overwrite, kOptionSpelling);
  guard_figures(options.ground_truth, options.detector.model, options.figures, guard);
  if (!options.predictions.empty()) {
    for (const auto& [index, file] : find_predictions(truth, options.predictions).by_image) {
      guard.reads(file);
    }
  }
  if (images == nullptr) return;
  for (const auto& [index, file] : images->by_image) guard.reads(file);
  if (!options.save_predictions.empty()) {
    for (const auto& [index, file] : images->by_image) {
      guard.writes(
          place_of_predictions(options.save_predictions, truth.path_of(truth.images[index])),
          pipeline::OutputKind::kPredictions, file);
    }
  }
  if (!options.false_alarms.empty()) {
    guard.writes({options.false_alarms, ".png", pipeline::OutputKind::kImage});
  }
}

int run(const Options& options) {
  check(options);
  const auto truth = evaluation::read_wider_ground_truth(options.ground_truth);
  std::optional<evaluation::WiderFiles> images;
  if (!options.images.empty()) {
    images = evaluation::find_wider_images(truth, options.images);
  }
  guard_outputs(options, truth, images ? &*images : nullptr);
  evaluation::FalseAlarms alarms(truth);
  const auto results = options.predictions.empty()
                           ? judge_model(options, truth, *images, alarms)
                           : judge_predictions(options, truth, images ? &*images : nullptr, alarms);
  const evaluation::WiderReport report = evaluation::evaluate_wider(truth, results);
  print_table(options.figures, "{}", evaluation::format_report(report));
  write_json(options.figures, evaluation::to_json(report));
  if (!options.figures.curves.empty()) {
    const evaluation::NamedReport named[] = {{name_of(options), &report}};
    evaluation::draw_wider_curves(options.figures.curves, named);
  }
  if (!options.false_alarms.empty()) {
    alarms.draw(options.false_alarms, *images);
    print_table(options.figures,
                "\n{} of {} detections overlap no annotated face by an IoU of {}: {}\n",
                alarms.count(), alarms.detections(), evaluation::kMinFaceOverlap,
                printable(options.false_alarms));
  }
  return kSuccess;
}

}  // namespace

Action declare_evaluate_wider(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("--ground-truth", options->ground_truth,
                 "folder of wider_face_val.mat and wider_{easy,medium,hard}_val.mat")
      ->required();
  app.add_option("--predictions", options->predictions,
                 "judge what a detector left in DIR/EVENT/NAME.txt");
  app.add_option("--images", options->images,
                 "folder of the images, IMAGES/EVENT/NAME.jpg; those that are there are judged");
  app.add_option("--model", options->detector.model,
                 "judge this model on --images: its name, or a .safetensors file");
  add_detector_options(app, options->detector);
  app.add_option("--save-predictions", options->save_predictions,
                 "keep what the model finds, as DIR/EVENT/NAME.txt");
  app.add_option("--false-alarms", options->false_alarms,
                 "cut what overlaps no annotated face out of its image, into this folder, to be "
                 "looked at; count it. Best with --min-score 0.5");
  app.add_option("--name", options->name, "what the detector is called in the curves");
  add_figure_options(app, options->figures, "precision over recall");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
