#include <memory>

#include <fmt/format.h>

#include "cli/backend_option.h"
#include "cli/interruption.h"
#include "cli/option_spelling.h"
#include "cli/tell.h"
#include "cli/values.h"
#include "cli/verification_options.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

void guard_outputs(const VerificationOptions& options) {
  pipeline::OutputGuard guard(options.figures.overwrite, kOptionSpelling);
  guard.reads(options.pairs);
  guard.reads_model(options.recognizer);
  for (const std::string& list : options.templates) guard.reads(list);
  for (const std::string& model : options.models) guard.reads_model(model);
  guard_figures(options.images, {}, options.figures, guard);
  if (!options.points_curve.empty()) {
    guard.writes(options.points_curve, pipeline::OutputKind::kFigure);
  }
  if (!options.cache.empty()) guard.continues(options.cache, pipeline::OutputKind::kReport);
}

int run(const VerificationOptions& options) {
  if (!options.templates.empty() && (options.move_points || !options.points_curve.empty())) {
    throw UsageError("--move-points, --points-curve: expected pairs of images, not --templates");
  }
  guard_outputs(options);
  try {
    return options.templates.empty() ? evaluate_image_pairs(options) : evaluate_templates(options);
  } catch (const evaluation::Interrupted&) {
    tell("retinaface: interrupted{}\n",
         options.cache.empty() ? "" : "; what was computed is kept in the file of --cache");
    return kInterrupted;
  }
}

}  // namespace

Action declare_evaluate_verification(CLI::App& app) {
  const auto options = std::make_shared<VerificationOptions>();
  options->detector.detect.min_score = 0.3F;
  app.add_option("--pairs", options->pairs,
                 "the list of pairs: LFW's pairs.txt; lines of two paths and 1 or 0 for the same "
                 "person or not; CFP's folder Protocol; a .bin file of the ArcFace family, which "
                 "holds aligned faces; with --templates, lines of two templates")
      ->required();
  app.add_option("--templates", options->templates,
                 "judge templates by IJB-C's 1:1 protocol: the list of their faces "
                 "(ijbc_face_tid_mid.txt, or NIST's tables; may be given several times)");
  app.add_option("--images", options->images,
                 "folder of the images that the list names; a .bin file needs none");
  app.add_option("--recognizer", options->recognizer,
                 "model file of a recogniser (retinaface import)")
      ->required();
  app.add_option(
      "--model", options->models,
      "judge with this detector's points: its name, or a .safetensors file; may be given "
      "several times, the first being what the others are compared with");
  app.add_flag(
      "--move-points", options->move_points,
      "tell also how accuracy falls when the first detector's points are moved by 1, 2 and "
      "4 % of the distance between the eyes");
  app.add_option("--points-curve", options->points_curve,
                 "draw that into this file (.png, .svg, .pdf; needs gnuplot)");
  add_detector_options(app, options->detector);
  app.add_option(
      "--cache", options->cache,
      "keep embeddings in this file for the next evaluation, by the image's content, the "
      "points and the recogniser");
  app.add_option("--cache-size", options->cache_mib,
                 "of that file at most, MiB; what was used longest ago is dropped")
      ->check(whole_number(1, 1 << 20))
      ->capture_default_str();
  add_figure_options(app, options->figures, "true against false accepts");
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
