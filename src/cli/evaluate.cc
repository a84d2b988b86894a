#include "cli/evaluate.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

#include "base/counted.h"
#include "base/cpu.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/job_option.h"
#include "cli/overwrite_option.h"
#include "cli/program.h"
#include "cli/report_option.h"
#include "cli/tell.h"
#include "cli/threads_option.h"
#include "cli/type_option.h"
#include "cli/values.h"
#include "evaluation/plot.h"
#include "pipeline/json_report.h"

namespace retinaface::cli {
namespace {

constexpr Command kEvaluations[] = {
    {"wider", "average precision by WIDER FACE's protocol",
     "retinaface evaluate wider --ground-truth wider/ground_truth --images wider/val/images\n"
     "retinaface evaluate wider --ground-truth wider/ground_truth --predictions found --json "
     "ap.json",
     declare_evaluate_wider},
    {"set", "average precision on annotated images of your own, by WIDER's and COCO's rules",
     "retinaface evaluate set mine/annotations.json --images mine/images\n"
     "retinaface evaluate set mine/label.txt --model run/best.safetensors --json ap.json",
     declare_evaluate_set},
    {"landmarks", "mean error of the five points",
     "retinaface evaluate landmarks --aflw aflw --curves error.png\n"
     "retinaface evaluate landmarks --labels val/label.txt --images val/images",
     declare_evaluate_landmarks},
    {"mesh", "errors of the faces' meshes",
     "retinaface evaluate mesh --labels made/labels.jsonl\n"
     "retinaface evaluate mesh --labels labels.jsonl --images data --curves error.png",
     declare_evaluate_mesh},
    {"compare", "several detectors on the same images of WIDER FACE",
     "retinaface evaluate compare mnet025 mine.safetensors --ground-truth wider/ground_truth "
     "--images wider/val/images --out differ\n"
     "retinaface evaluate compare old=run1/found new=run2/found --ground-truth "
     "wider/ground_truth --curves curves.png",
     declare_evaluate_compare},
    {"verification", "how well a recogniser tells persons apart with a detector's points",
     "retinaface evaluate verification --pairs lfw/pairs.txt --images lfw/images --recognizer "
     "mobilefacenet.safetensors --json lfw.json\n"
     "retinaface evaluate verification --pairs lfw/pairs.txt --images lfw/images --recognizer "
     "mobilefacenet.safetensors --model mnet025 --model mtcnn.safetensors --points-curve "
     "moved.png\n"
     "retinaface evaluate verification --pairs agedb_30.bin --recognizer "
     "mobilefacenet.safetensors\n"
     "retinaface evaluate verification --templates ijbc_face_tid_mid.txt --pairs "
     "ijbc_template_pair_label.txt --images loose_crop --recognizer mobilefacenet.safetensors",
     declare_evaluate_verification},
};

}  // namespace

void add_model_option(CLI::App& app, DetectionOptions& options) {
  app.add_option("--model", options.model, "judge this model: its name, or a .safetensors file");
}

void add_detector_options(CLI::App& app, DetectionOptions& options) {
  add_backend_option(app, options.backend);
  add_type_option(app, options.type);
  const auto names = evaluation::detection_mode_names();
  app.add_option("--mode", options.mode,
                 "size of the images: original; vga: longer side 640; large: shorter side 1600, "
                 "longer at most 2150; multiscale: shorter sides 500 to 1700, each also mirrored, "
                 "merged by box voting; auto: as detect does by default")
      ->check(one_of({names.begin(), names.end()}))
      ->capture_default_str();
  add_job_option(app, "min-score", &options.detect.min_score);
  add_job_option(app, "nms", &options.detect.nms_iou);
  add_threads_option(app, options.threads, "images worked on at once");
}

int thread_count(const DetectionOptions& options) {
  return retinaface::thread_count(options.threads);
}

Detector load_detector(const DetectionOptions& options) {
  return open_detector(options.model, options.backend, options.type);
}

void refuse_merging(const DetectionOptions& options, const char* what) {
  if (mode_of(options) == evaluation::DetectionMode::kMultiScale) {
    throw UsageError(fmt::format(
        "--mode multiscale: merges faces of several images, which {} cannot; take another mode",
        what));
  }
}

evaluation::DetectionMode mode_of(const DetectionOptions& options) {
  return evaluation::detection_mode_by_name(options.mode);
}

evaluation::WiderFiles find_predictions(const evaluation::WiderGroundTruth& truth,
                                        const std::string& folder) {
  evaluation::WiderFiles files = evaluation::find_wider_predictions(truth, folder);
  if (files.unknown > 0) {
    tell("retinaface: {}: {} of no image of the ground truth\n", printable(folder),
         counted(files.unknown, "file"));
  }
  return files;
}

void report_missing(const std::string& folder, const evaluation::WiderFiles& predictions,
                    const std::vector<std::size_t>& images) {
  const std::size_t missing = evaluation::count_missing(predictions, images);
  if (missing == 0) return;
  tell("retinaface: {}: {} without a file, taken as without detections\n", printable(folder),
       counted(missing, "image"));
}

std::string name_of(const DetectionOptions& options) {
  return options.model.empty() ? "retinaface" : display_name(options.model);
}

void add_figure_options(CLI::App& app, FigureFiles& files, std::string_view what) {
  add_report_option(app, files.json, "write the figures to this file");
  if (!what.empty()) {
    app.add_option("--curves", files.curves,
                   fmt::format("draw {} into this file (.png, .svg, .pdf; needs gnuplot)", what));
  }
  add_overwrite_option(app, files.overwrite);
}

void write_json(const FigureFiles& files, nlohmann::json report) {
  if (!files.json.empty()) pipeline::write_json_report(files.json, std::move(report));
}

void guard_figures(const std::string& folder, const std::string& model, const FigureFiles& files,
                   pipeline::OutputGuard& guard) {
  const auto& [json, curves, overwrite] = files;
  // What an earlier run left there is no input of this one.
  const auto is_own = [](const std::filesystem::path& file, const std::string& output,
                         pipeline::OutputKind kind) {
    std::error_code ignored;
    return !output.empty() && std::filesystem::equivalent(file, output, ignored) &&
           pipeline::is_own_output(file, kind);
  };
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator file(folder, error), end;
       !error && file != end; file.increment(error)) {
    if (is_own(file->path(), json, pipeline::OutputKind::kReport)) continue;
    if (is_own(file->path(), curves, pipeline::OutputKind::kFigure)) continue;
    guard.reads(file->path());
  }
  guard.reads_model(model);
  if (!json.empty()) guard.writes(json, pipeline::OutputKind::kReport);
  if (curves.empty()) return;
  evaluation::check_drawable(curves);
  guard.writes(curves, pipeline::OutputKind::kFigure);
}

std::string display_name(const std::string& path) {
  std::filesystem::path name = std::filesystem::path(path).lexically_normal();
  if (!name.has_filename()) name = name.parent_path();  // a folder with a slash at its end
  return folder_exists(path) ? name.filename() : name.stem();
}

Action declare_evaluate(CLI::App& app) {
  return declare_group(app, kEvaluations);
}

}  // namespace retinaface::cli
