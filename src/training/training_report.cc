#include "training/training_report.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "dataset/annotated_image.h"
#include "evaluation/annotated_truth.h"
#include "evaluation/html.h"
#include "evaluation/judged_image.h"
#include "evaluation/plot.h"
#include "evaluation/wider_predictions.h"
#include "image/draw.h"
#include "training/run_folder.h"
#include "training/run_log.h"
#include "training/trainer.h"

namespace retinaface::training {
namespace {

namespace fs = std::filesystem;
using evaluation::Diagram;
using evaluation::html_escaped;
using evaluation::Line;
using nlohmann::json;

constexpr std::size_t kImages = 6;  // of each kind
constexpr double kMinScore = 0.5;
constexpr int kMaxSide_px = 960;

/// One column of the file of metrics.
struct Series {
  std::vector<double> step;
  std::vector<double> value;

  /// The mean over the last `count` steps, or over as many as there are.
  double recent(std::size_t count) const {
    const std::size_t some = std::min(count, value.size());
    double sum = 0;
    for (std::size_t i = value.size() - some; i < value.size(); ++i) sum += value[i];
    return some > 0 ? sum / static_cast<double>(some) : 0;
  }
};

struct RecordedMetrics {
  std::map<std::string, Series> steps;
  std::map<std::string, Series> validations;
};

RecordedMetrics read_metrics(const fs::path& path) {
  const std::vector<std::byte> content = read_file(path);
  RecordedMetrics metrics;
  for_each_line(text_of(content), [&](std::string_view line, int) {
    const json entry = json::parse(line, nullptr, false);
    if (!entry.is_object()) fail(ErrorCode::kBadData, "{}: not JSON lines", printable(path));
    const bool validated = entry.contains("validated_step");
    const double step = entry.value(validated ? "validated_step" : "step", 0.0);
    for (const auto& [name, value] : entry.items()) {
      if (!value.is_number()) continue;
      Series& series = (validated ? metrics.validations : metrics.steps)[name];
      series.step.push_back(step);
      series.value.push_back(value);
    }
  });
  metrics.validations.erase("validated_step");
  return metrics;
}

/// Means over stretches of steps, so many that a curve stays a curve.
Line smoothed(const std::string& label, const Series& series, int color) {
  constexpr std::size_t kPoints = 200;
  const std::size_t stretch = std::max<std::size_t>(series.value.size() / kPoints, 1);
  Line line;
  line.label = label;
  line.color = color;
  for (std::size_t begin = 0; begin < series.value.size(); begin += stretch) {
    const std::size_t end = std::min(begin + stretch, series.value.size());
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += series.value[i];
    line.x.push_back(series.step[end - 1]);
    line.y.push_back(sum / static_cast<double>(end - begin));
  }
  return line;
}

/// Room for all of the lines but the highest twentieth of their points: the first steps' losses
/// would press the rest to the ground.
double height_of(const std::vector<Line>& lines) {
  std::vector<double> values;
  for (const Line& line : lines) values.insert(values.end(), line.y.begin(), line.y.end());
  if (values.empty()) return 1;
  const auto place = static_cast<std::ptrdiff_t>((values.size() - 1) * 19 / 20);
  std::ranges::nth_element(values, values.begin() + place);
  return std::max(1.15 * values[static_cast<std::size_t>(place)], 1e-9);
}

Diagram diagram(const std::string& title, const std::map<std::string, Series>& all,
                const std::vector<std::pair<std::string, std::string>>& columns) {
  Diagram result;
  result.title = title;
  result.x_label = "step";
  int color = 0;
  for (const auto& [name, label] : columns) {
    const auto found = all.find(name);
    if (found == all.end()) continue;
    result.lines.push_back(smoothed(label, found->second, color++));
    result.x_max = std::max(result.x_max, found->second.step.back());
  }
  result.y_max = height_of(result.lines);
  return result;
}

/// The losses among the metrics and what they are called: the total first, then each head's, and
/// the distance from a teacher.
std::vector<std::pair<std::string, std::string>> loss_columns(const RecordedMetrics& metrics) {
  constexpr std::string_view kPrefix = "loss_";
  std::vector<std::pair<std::string, std::string>> columns = {{"loss", "total"}};
  for (const auto& [key, series] : metrics.steps) {
    if (key.starts_with(kPrefix)) columns.emplace_back(key, key.substr(kPrefix.size()));
  }
  return columns;
}

void draw_curves(const fs::path& path, const RecordedMetrics& metrics) {
  std::vector<Diagram> diagrams = {
      diagram("loss", metrics.steps, loss_columns(metrics)),
      diagram("learning rate", metrics.steps, {{"learning_rate", "rate"}})};
  diagrams.back().y_max = 1e-9;  // a rate of 0 is one too
  for (const double rate : diagrams.back().lines.at(0).y) {
    diagrams.back().y_max = std::max(diagrams.back().y_max, 1.1 * rate);
  }
  if (!metrics.validations.empty()) {
    std::vector<std::pair<std::string, std::string>> columns;
    for (const auto& [name, series] : metrics.validations) columns.emplace_back(name, name);
    diagrams.push_back(diagram("validation", metrics.validations, columns));
    diagrams.back().y_label = "AP, percent";
    diagrams.back().y_max = 100;
  }
  evaluation::draw_diagrams(path, diagrams);
}

/// What the detector makes of an image, as evaluation::draw_judged shows it.
Image judged(const Detector& detector, const Image& image,
             const evaluation::WiderImage& annotated) {
  return evaluation::draw_judged(
      image, annotated, evaluation::to_wider(detector.detect(image, {.min_score = kMinScore})),
      kMinScore, kMaxSide_px);
}

/// An image as the network is shown it, its targets beside what the detector finds.
Image draw_training_sample(const Detector& detector, const dataset::Sample& sample) {
  Image targets = sample.image;
  for (const dataset::AnnotatedFace& face : sample.faces) {
    if (face.ignored) {
      draw_box(targets, face.box, {150, 150, 150});
      continue;
    }
    const FaceMark mark[] = {{.box = face.box, .landmarks = landmarks_of(face)}};
    draw_faces(targets, mark, {.landmarks = has_landmarks(face), .scores = false});
  }
  const Image images[] = {
      targets, judged(detector, sample.image, evaluation::to_wider_image("sample", sample.faces))};
  return evaluation::side_by_side(images);
}

/// Writes the images of one kind; returns their names.
std::vector<std::string> draw_training_samples(const ReportedRun& run, const Detector& detector,
                                               const fs::path& folder) {
  const dataset::LoaderOptions options = {
      .augmentation = run.recipe.augmentation,
      .side_px = std::min(run.recipe.side_px, kMaxSide_px),
      .batch = std::min(run.recipe.batch, static_cast<int>(kImages)),
      .seed = run.seed};
  dataset::Loader loader(run.sets, options);
  std::vector<std::string> names;
  for (const dataset::Sample& sample : loader.next()) {
    names.push_back(fmt::format("training_{}.jpg", names.size()));
    write_image(folder / names.back(), draw_training_sample(detector, sample));
  }
  return names;
}

std::vector<std::string> draw_validation_images(const ReportedRun& run, const Detector& detector,
                                                const fs::path& folder) {
  std::vector<std::string> names;
  if (run.validation == nullptr) return names;
  for (const auto& [file, annotated] : run.validation->examples(kImages)) {
    Image image;
    try {
      image = dataset::read_annotated_image(file);
    } catch (const Error&) {
      continue;  // the validation has said so
    }
    names.push_back(fmt::format("validation_{}.jpg", names.size()));
    write_image(folder / names.back(), judged(detector, image, annotated));
  }
  return names;
}

std::string figures_table(const RecordedMetrics& metrics) {
  constexpr std::size_t kLast = 100;
  std::string rows;
  const auto row = [&](const std::string& name, const std::string& value) {
    rows += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", html_escaped(name), value);
  };
  const Series& losses = metrics.steps.at("loss");
  row("steps", fmt::format("{:.0f}", losses.step.back()));
  for (const auto& [key, name] : loss_columns(metrics)) {
    row(fmt::format("loss, {}, mean of the last 100 steps", name),
        fmt::format("{:.4f}", metrics.steps.at(key).recent(kLast)));
  }
  row("images/s, mean of the last 100 steps",
      fmt::format("{:.1f}", metrics.steps.at("images_per_second").recent(kLast)));
  for (const auto& [name, series] : metrics.validations) {
    const auto best = std::ranges::max_element(series.value);
    const auto place = static_cast<std::size_t>(best - series.value.begin());
    row("validation: " + name, fmt::format("{:.2f} at last, {:.2f} at best (step {:.0f})",
                                           series.value.back(), *best, series.step[place]));
  }
  return "<table>\n" + rows + "</table>\n";
}

std::string gallery(const std::string& title, const std::string& caption,
                    const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string html = fmt::format("<h2>{}</h2>\n<p>{}</p>\n", title, caption);
  for (const std::string& name : names) {
    html += fmt::format("<p><img src=\"{}\" alt=\"{}\"></p>\n", name, name);
  }
  return html;
}

constexpr const char* kColors =
    "Faces found are green, faces missed yellow, false alarms red, what is ignored gray; at a "
    "score "
    "of 0.5.";

}  // namespace

fs::path write_training_report(const ReportedRun& run) {
  const fs::path folder = run.folder / kReportFolder;
  make_folders(folder);
  const RecordedMetrics metrics = read_metrics(run.folder / kMetricsFile);
  if (!metrics.steps.contains("loss")) {
    fail(ErrorCode::kBadData, "{}: has no step to report", printable(run.folder / kMetricsFile));
  }
  std::string curves = "<p><img src=\"curves.svg\" alt=\"curves\"></p>\n";
  try {
    draw_curves(folder / "curves.svg", metrics);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    curves = fmt::format("<p>Without curves: {}</p>\n", html_escaped(error.what()));
  }
  const Detector detector(run.folder / kBestFile);
  const auto trained = draw_training_samples(run, detector, folder);
  const auto validated = draw_validation_images(run, detector, folder);
  const std::string page = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n"
      "<style>body {{ font-family: sans-serif; max-width: 90em; margin: 2em }}\n"
      "img {{ max-width: 100% }} td {{ padding-right: 2em }}</style></head><body>\n"
      "<h1>{0}</h1>\n{1}{2}{3}{4}<h2>Recipe</h2>\n<pre>{5}</pre>\n</body></html>\n",
      fmt::format("Training of {}", html_escaped(run.recipe.model)), figures_table(metrics), curves,
      gallery("Validation", std::string("What the best weights find at original size. ") + kColors,
              validated),
      gallery("Training",
              std::string("Left the targets, right what the best weights find. ") + kColors,
              trained),
      html_escaped(to_toml(run.recipe)));
  write_file_atomically(folder / "index.html", page);
  return folder / "index.html";
}

}  // namespace retinaface::training
