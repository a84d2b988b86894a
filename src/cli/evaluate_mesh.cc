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
#include "dataset/mesh_label.h"
#include "evaluation/mesh_error.h"
#include "geometry/box.h"
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

constexpr float kMinIou = 0.5F;

/// Labels of one image.
using Group = std::vector<dataset::MeshLabel>;

/// The chosen labels, by image.
std::vector<Group> groups_of(const Options& options) {
  std::vector<Group> groups;
  std::size_t judged = 0;
  for (dataset::MeshLabel& label : dataset::read_mesh_labels(options.labels)) {
    if (!options.all && !label.is_test) continue;
    if (judged++ % static_cast<std::size_t>(options.every) != 0) continue;
    if (groups.empty() || groups.back().front().image != label.image) groups.emplace_back();
    groups.back().push_back(std::move(label));
  }
  if (groups.empty()) {
    fail(ErrorCode::kBadData,
         "{}: expected faces to judge by (\"is_test\": true), found none; --all takes the others",
         options.labels);
  }
  return groups;
}

/// The errors of a group's faces; none of those that were not found.
struct Judged {
  std::vector<std::optional<evaluation::MeshError>> errors =
      {};                    ///< by face; none where none is found
  std::string problem = {};  ///< of the image, of which no face is judged then
};

Judged judge_image(const Detector& detector, const Options& options, const Group& group) {
  const fs::path folder =
      options.images.empty() ? fs::path(options.labels).parent_path() : fs::path(options.images);
  const Image image = read_image(folder / group.front().image, {.apply_orientation = false});
  DetectOptions detect = options.detector.detect;
  detect.mesh = true;
  const std::vector<Face> faces =
      evaluation::detect(detector, image, mode_of(options.detector), detect);
  std::vector<std::optional<evaluation::MeshError>> errors;
  for (const dataset::MeshLabel& label : group) {
    const Face* best = nullptr;
    for (const Face& face : faces) {
      const bool is_closer =
          best == nullptr || iou(face.box, label.box) > iou(best->box, label.box);
      if (iou(face.box, label.box) >= kMinIou && is_closer) best = &face;
    }
    errors.emplace_back(best == nullptr
                            ? std::nullopt
                            : std::optional(evaluation::mesh_error(*best, image, label)));
  }
  return {std::move(errors)};
}

Judged judge(const Detector& detector, const Options& options, const Group& group) {
  try {
    return judge_image(detector, options, group);
  } catch (const Error& error) {
    const bool is_of_image =
        error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kUnreadable ||
        error.code() == ErrorCode::kBadData || error.code() == ErrorCode::kTooLarge;
    if (!is_of_image) throw;
    return {.problem = error.what()};
  }
}

int run(const Options& options) {
  refuse_merging(options.detector, "evaluate mesh");
  pipeline::OutputGuard guard(options.figures.overwrite);
  guard.reads(options.labels);
  guard_figures(options.images, options.detector.model, options.figures, guard);
  const std::vector<Group> groups = groups_of(options);
  const Detector detector = load_detector(options.detector);
  evaluation::MeshReport report;
  ProgressLine progress("detecting");
  std::size_t done = 0;
  std::size_t left_out = 0;
  run_over(
      thread_count(options.detector), groups.size(),
      [&](std::size_t i) { return judge(detector, options, groups[i]); },
      [&](const Judged& judged) {
        for (const auto& error : judged.errors) {
          ++report.faces;
          if (error) report.errors.push_back(*error);
        }
        if (!judged.problem.empty()) {
          ++left_out;
          progress.hide();
          fmt::print(stderr, "retinaface: {}; left out\n", judged.problem);
        }
        progress.show(++done, groups.size());
      });
  progress.hide();
  fmt::print("{}", evaluation::format_report(report));
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
  app.add_option("--model", options->detector.model,
                 "judge this model: its name, or a .safetensors file");
  add_detector_options(app, options->detector);
  add_figure_options(app, options->figures, "the cumulative error");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
