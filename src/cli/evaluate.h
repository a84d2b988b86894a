#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "retinaface/detector.h"

#include "cli/command.h"
#include "cli/report_option.h"
#include "evaluation/detection_mode.h"
#include "evaluation/wider_source.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {

// What the commands `retinaface evaluate ...` share.

/// How a detector is run on the images of a set.
struct DetectionOptions {
  std::string model;
  std::string backend;  ///< empty: the best one
  std::string type;     ///< that it computes in, as type_of takes it
  std::string mode = "original";
  DetectOptions detect{.min_score = evaluation::kMinJudgedScore};
  int threads = 0;
};

/// Adds --model, the detector that is judged.
void add_model_option(CLI::App& app, DetectionOptions& options);

/// Adds --backend, --type, --mode, --min-score, --nms and --threads; the model is the command's own
/// affair.
void add_detector_options(CLI::App& app, DetectionOptions& options);

int thread_count(const DetectionOptions& options);

/// The detector that the options name; the default one where they name none. Throws as Detector.
Detector load_detector(const DetectionOptions& options);

/// Throws UsageError for a mode that merges faces of mirrored images, which meshes cannot follow.
void refuse_merging(const DetectionOptions& options, const char* what);

evaluation::DetectionMode mode_of(const DetectionOptions& options);

/// evaluation::find_wider_predictions; says on standard error how many files belong to no image.
evaluation::WiderFiles find_predictions(const evaluation::WiderGroundTruth& truth,
                                        const std::string& folder);

/// Says on standard error how many of `images` `folder` has no predictions for.
void report_missing(const std::string& folder, const evaluation::WiderFiles& predictions,
                    const std::vector<std::size_t>& images);

/// The name by which a prediction folder or a model goes in legends and tables.
std::string display_name(const std::string& path);

/// What tables and legends call the detector.
std::string name_of(const DetectionOptions& options);

/// Files that an evaluation writes its figures to, where they are asked for.
struct FigureFiles {
  std::string json;
  std::string curves;
  bool overwrite = false;
};

/// Adds -o, --curves, which draws `what`, and --overwrite; without `what` no --curves.
void add_figure_options(CLI::App& app, FigureFiles& files, std::string_view what = {});

/// Tells the guard of the figures, and of what the evaluation reads: all files below the folder,
/// and the model if that is a file.
void guard_figures(const std::string& folder, const std::string& model, const FigureFiles& files,
                   pipeline::OutputGuard& guard);

/// Prints a part of an evaluation's table (report_option.h).
template <typename... Args>
void print_table(const FigureFiles& files, fmt::format_string<Args...> format, Args&&... args) {
  print_table(files.json, format, std::forward<Args>(args)...);
}

/// Writes the report to the file of -o, if there is one.
void write_json(const FigureFiles& files, nlohmann::json report);

// One per file.
Action declare_evaluate_wider(CLI::App& app);
Action declare_evaluate_set(CLI::App& app);
Action declare_evaluate_landmarks(CLI::App& app);
Action declare_evaluate_mesh(CLI::App& app);
Action declare_evaluate_compare(CLI::App& app);
Action declare_evaluate_verification(CLI::App& app);

}  // namespace retinaface::cli
