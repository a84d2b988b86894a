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
#include "cli/tell.h"
#include "cli/values.h"
#include "dataset/mesh_label.h"
#include "evaluation/judged_meshes.h"
#include "evaluation/mesh_error.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string labels;
  std::string images;
  bool all = false;
  int every = 1;
  DetectionOptions detector;
  FigureFiles figures;
};

/// The chosen labels, by image.
std::vector<evaluation::MeshLabelsOfImage> labels_of(const Options& options) {
  auto images = evaluation::chosen_labels(dataset::read_mesh_labels(options.labels), options.all,
                                          options.every);
  if (images.empty()) {
    fail(ErrorCode::kBadData,
         "{}: expected faces to judge by (\"is_test\": true), found none; --all takes the others",
         options.labels);
  }
  return images;
}

int run(const Options& options) {
  refuse_merging(options.detector, "evaluate mesh");
  pipeline::OutputGuard guard(options.figures.overwrite, kOptionSpelling);
  guard.reads(options.labels);
  guard_figures(options.images, options.detector.model, options.figures, guard);
  const auto images = labels_of(options);
  const fs::path folder =
      options.images.empty() ? fs::path(options.labels).parent_path() : fs::path(options.images);
  const Detector detector = load_detector(options.detector);
  DetectOptions detect = options.detector.detect;
  detect.mesh = true;
  const auto find = [&](const Image& image) {
    return evaluation::detect(detector, image, mode_of(options.detector), detect);
  };
  evaluation::MeshReport report;
  ProgressLine progress("detecting");
  std::size_t done = 0;
  std::size_t left_out = 0;
  run_over(
      thread_count(options.detector), images.size(),
      [&](std::size_t i) { return evaluation::judge_meshes(images[i], folder, find); },
      [&](const evaluation::JudgedMeshes& judged) {
        for (const auto& error : judged.errors) report.add(error);
        if (!judged.problem.empty()) {
          ++left_out;
          progress.hide();
          tell("retinaface: {}; left out\n", judged.problem);
        }
        progress.show(++done, images.size());
      });
  progress.hide();
  print_table(options.figures, "{}", evaluation::format_report(report));
  print_differences(detector);
  write_json(options.figures, evaluation::to_json(report));
  if (!options.figures.curves.empty()) {
    evaluation::draw_mesh_curves(options.figures.curves, name_of(options.detector), report);
  }
  return left_out == 0 ? kSuccess : kSomeFailed;
}

}  // namespace

Action declare_evaluate_mesh(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->detector.detect.min_score = 0.3F;
  app.add_option("--labels", options->labels,
                 "faces as tools/mesh/labels.py or tools/mesh/made_faces.py writes them")
      ->required();
  app.add_flag("--mesh-refine", options->detector.detect.refine_mesh,
               "judge meshes that were brought closer to the image");
  app.add_option("--images", options->images,
                 "folder that the labels' names start from (default: the labels')");
  app.add_flag("--all", options->all, "judge by those too that are there to learn from");
  app.add_option("--every", options->every, "take every n-th face only")
      ->check(whole_number(1, 1'000'000))
      ->capture_default_str();
  add_model_option(app, options->detector);
  add_detector_options(app, options->detector);
  add_figure_options(app, options->figures, "the cumulative error");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
