#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "cli/evaluate.h"
#include "cli/progress.h"
#include "cli/wider_source.h"
#include "evaluation/comparison_report.h"
#include "evaluation/judged_picture.h"
#include "evaluation/wider_curves.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using evaluation::DetectionSource;
using evaluation::WiderFiles;
using evaluation::WiderGroundTruth;

struct Options {
  std::vector<std::string> detectors;
  std::string ground_truth;
  std::string images;
  DetectorOptions detector;
  int samples = 1000;
  std::uint64_t seed = 1;
  std::string json;
  std::string curves;
  std::string out;
  std::size_t pictures = 12;
};

constexpr int kPanelSide_px = 1024;  // the width of WIDER's pictures

/// One of the detectors that are compared: a folder of predictions or a model.
struct Entrant {
  std::string name;
  std::string path;
  bool is_folder = false;
  WiderFiles predictions;  ///< of a folder
  DetectionSource source;
};

/// "NAME=PATH", or the path alone, which then gives the name.
Entrant parse_entrant(const std::string& argument) {
  Entrant entrant{
      .name = display_name(argument), .path = argument, .predictions = {}, .source = {}};
  const std::size_t equals = argument.find('=');
  if (equals != std::string::npos && equals > 0 && !fs::exists(argument)) {
    entrant.name = argument.substr(0, equals);
    entrant.path = argument.substr(equals + 1);
  }
  entrant.is_folder = fs::is_directory(entrant.path);
  return entrant;
}

std::vector<Entrant> parse_entrants(const Options& options) {
  std::vector<Entrant> entrants;
  for (const std::string& argument : options.detectors) {
    entrants.push_back(parse_entrant(argument));
    const Entrant& entrant = entrants.back();
    if (!entrant.is_folder && options.images.empty()) {
      throw UsageError(fmt::format("{} is no folder of predictions, and a model needs --images DIR",
                                   printable(entrant.path)));
    }
    const auto same = std::ranges::count(entrants, entrant.name, &Entrant::name);
    if (same > 1) {
      throw UsageError(fmt::format("two detectors called {}; call one of them otherwise, NAME={}",
                                   printable(entrant.name), printable(entrant.path)));
    }
  }
  return entrants;
}

/// The pictures for which all folders have predictions.
std::vector<std::size_t> common_pictures(const std::vector<Entrant>& entrants) {
  std::vector<std::size_t> common;
  std::size_t most = 0;
  for (const std::size_t picture : pictures_of(entrants.front().predictions)) {
    const bool in_all = std::ranges::all_of(entrants, [&](const Entrant& entrant) {
      return entrant.predictions.by_picture.contains(picture);
    });
    if (in_all) common.push_back(picture);
  }
  for (const Entrant& entrant : entrants) {
    most = std::max(most, entrant.predictions.by_picture.size());
  }
  if (common.empty()) {
    fail(ErrorCode::kBadData, "evaluate compare: no picture has predictions in all {} folders",
         entrants.size());
  }
  if (common.size() < most) {
    fmt::print(stderr,
               "retinaface: {} pictures have predictions in all folders, up to {} in one; the "
               "others are left out (--images counts them as without detections)\n",
               common.size(), most);
  }
  return common;
}

evaluation::Contestant judge(const Entrant& entrant, const Options& options,
                             const WiderGroundTruth& truth,
                             const std::vector<std::size_t>& pictures) {
  if (entrant.is_folder) report_missing(entrant.path, entrant.predictions, pictures);
  ProgressLine progress(
      fmt::format("{} {}", entrant.is_folder ? "reading" : "detecting with", entrant.name));
  return {entrant.name, evaluation::match_pictures(
                            truth, pictures, entrant.source, thread_count(options.detector),
                            [&](std::size_t done, std::size_t of) { progress.show(done, of); })};
}

/// Draws one picture as each entrant sees it. Returns the file's name.
std::string draw(const Options& options, const WiderGroundTruth& truth, const WiderFiles& images,
                 const std::vector<Entrant>& entrants, const std::vector<double>& min_scores,
                 std::size_t picture, std::size_t rank) {
  const evaluation::WiderPicture& annotated = truth.pictures[picture];
  const Image image = read_image(images.by_picture.at(picture), {.apply_orientation = false});
  std::vector<Image> panels;
  for (std::size_t i = 0; i < entrants.size(); ++i) {
    panels.push_back(evaluation::draw_judged(image, annotated, entrants[i].source(picture),
                                             min_scores[i], kPanelSide_px));
  }
  const std::string name = fmt::format("{:02}_{}.jpg", rank, annotated.name);
  write_image(fs::path(options.out) / name, evaluation::side_by_side(panels));
  return name;
}

/// Writes the pictures in which the entrants differ most, and a page that shows them.
void draw_disagreements(const Options& options, const WiderGroundTruth& truth,
                        const WiderFiles& images, const std::vector<Entrant>& entrants,
                        const std::vector<evaluation::Contestant>& contestants,
                        const evaluation::Comparison& comparison) {
  std::vector<double> min_scores;
  for (const evaluation::Contestant& contestant : contestants) {
    min_scores.push_back(evaluation::best_score(truth, contestant.results));
  }
  const auto found =
      evaluation::find_disagreements(truth, contestants, min_scores, options.pictures);
  make_folders(options.out);
  std::vector<evaluation::DrawnDisagreement> drawn;
  ProgressLine progress("drawing");
  for (const evaluation::Disagreement& disagreement : found) {
    const std::size_t picture = disagreement.picture;
    drawn.push_back({truth.path_of(truth.pictures[picture]),
                     draw(options, truth, images, entrants, min_scores, picture, drawn.size() + 1),
                     disagreement});
    progress.show(drawn.size(), found.size());
  }
  const fs::path page = fs::path(options.out) / "index.html";
  write_file_atomically(page, evaluation::format_page(comparison, min_scores, drawn));
  std::vector<std::string> names;
  for (const Entrant& entrant : entrants) names.push_back(entrant.name);
  fmt::print("\n{}: the {} pictures that differ most, from left to right {}\n", printable(page),
             drawn.size(), fmt::join(names, ", "));
}

void draw_curves(const Options& options, const evaluation::Comparison& comparison) {
  std::vector<evaluation::NamedReport> reports;
  for (const evaluation::Standing& standing : comparison.standings) {
    reports.push_back({standing.name, &standing.report});
  }
  evaluation::draw_wider_curves(options.curves, reports);
}

int run(const Options& options) {
  if (!options.out.empty() && options.images.empty()) {
    throw UsageError("--out draws on pictures, say where they are: --images DIR");
  }
  std::vector<Entrant> entrants = parse_entrants(options);
  const WiderGroundTruth truth = evaluation::read_wider_ground_truth(options.ground_truth);
  WiderFiles images;
  if (!options.images.empty()) images = find_wider_images(truth, options.images);
  for (Entrant& entrant : entrants) {
    if (entrant.is_folder) {
      entrant.predictions = find_wider_predictions(truth, entrant.path);
      entrant.source = from_predictions(entrant.predictions);
    } else {
      entrant.source = from_model(entrant.path, options.detector, images);
    }
  }
  const auto pictures = options.images.empty() ? common_pictures(entrants) : pictures_of(images);

  std::vector<evaluation::Contestant> contestants;
  for (const Entrant& entrant : entrants) {
    contestants.push_back(judge(entrant, options, truth, pictures));
  }
  evaluation::Comparison comparison;
  {
    ProgressLine progress("resampling");
    comparison =
        evaluation::compare(truth, contestants,
                            {.samples = options.samples,
                             .seed = options.seed,
                             .threads = thread_count(options.detector)},
                            [&](std::size_t done, std::size_t of) { progress.show(done, of); });
  }
  fmt::print("{}", evaluation::format_comparison(comparison));
  if (!options.json.empty()) {
    write_file_atomically(options.json, evaluation::to_json(comparison).dump(2) + "\n");
  }
  if (!options.curves.empty()) draw_curves(options, comparison);
  if (!options.out.empty()) {
    draw_disagreements(options, truth, images, entrants, contestants, comparison);
  }
  return kSuccess;
}

}  // namespace

Action declare_evaluate_compare(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("DETECTOR", options->detectors,
                 "two or more, each a folder of predictions as DIR/EVENT/NAME.txt, a built-in "
                 "model's name or a .safetensors file; NAME=DETECTOR gives it a name")
      ->required()
      ->expected(-2);
  app.add_option("--ground-truth", options->ground_truth,
                 "folder of wider_face_val.mat and wider_{easy,medium,hard}_val.mat")
      ->required();
  app.add_option("--images", options->images,
                 "folder of the pictures, IMAGES/EVENT/NAME.jpg; those that are there are judged "
                 "(without it: those for which all folders have predictions)");
  add_detector_options(app, options->detector);
  app.add_option("--samples", options->samples,
                 "how often the pictures are drawn anew for the 95 % intervals")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  app.add_option("--seed", options->seed, "of the draws")->capture_default_str();
  app.add_option("--json", options->json, "write the figures to this file");
  app.add_option("--curves", options->curves,
                 "draw all detectors' precision over recall into this file (.png, .svg, .pdf; "
                 "needs gnuplot)");
  app.add_option("--out", options->out,
                 "folder for the pictures that differ most, drawn beside each other, and for "
                 "index.html, which shows them");
  app.add_option("--pictures", options->pictures, "how many of them")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
