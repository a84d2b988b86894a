#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/counted.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/verification_options.h"
#include "evaluation/plot.h"
#include "evaluation/template_protocol.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Each template's face embedded, with the points that the detector gives it.
evaluation::TemplatePool embed_templates(const VerificationOptions& options,
                                         const evaluation::TemplateList& templates,
                                         const Detector& detector, FaceEmbedder& embedder) {
  evaluation::TemplatePool pool(templates);
  for_each_in_order(
      thread_count(options.detector), templates.faces.size(),
      [&](std::size_t i) {
        const evaluation::TemplateFace& face = templates.faces[i];
        const fs::path path = fs::path(options.images) / face.image;
        return embedder.embed({printable(path), read_file(path)}, [&](const Image& image) {
          const std::vector<Face> faces = evaluation::detect(
              detector, image, mode_of(options.detector), options.detector.detect);
          return face.box ? points_in_box(faces, *face.box) : points_in_the_middle(faces, image);
        });
      },
      [&](const Embedding& embedding) { pool.add(embedding); });
  pool.finish();
  return pool;
}

void print_head() {
  fmt::print("{:<24}", "detector");
  for (int power = evaluation::kMaxFarPower; power >= evaluation::kMinFarPower; --power) {
    fmt::print(" {:>8}", "TAR@" + rate_name(power));
  }
  fmt::print("  missed faces\n");
}

void print_row(const std::string& name, const evaluation::FarRates& rates, std::size_t missed) {
  fmt::print("{:<24}", name);
  for (int power = evaluation::kMaxFarPower; power >= evaluation::kMinFarPower; --power) {
    fmt::print(" {:>8}", rate_text(rates.tar.at(power)));
  }
  fmt::print("  {}\n", missed);
}

evaluation::Line line_of(const std::string& name, std::size_t index,
                         evaluation::PairScores& scores) {
  evaluation::Line line;
  line.label = name;
  line.color = static_cast<int>(index);
  constexpr int kPerDecade = 20;
  for (const evaluation::RocPoint& point : evaluation::log_roc(scores, kPerDecade)) {
    line.x.push_back(-std::log10(point.far));
    line.y.push_back(point.tar);
  }
  return line;
}

}  // namespace

int evaluate_templates(const VerificationOptions& options) {
  const evaluation::TemplateList templates =
      evaluation::read_templates({options.templates.begin(), options.templates.end()});
  if (options.images.empty()) {
    throw UsageError("--images: expected the folder of the lists' images");
  }
  FaceEmbedder embedder = open_embedder(options);
  fmt::print("{} in {}\n\n", counted(templates.faces.size(), "face"),
             counted(templates.templates.size(), "template"));
  evaluation::Diagram diagram = {.title = "Verification of templates",
                                 .x_label = "-log10 of the false accept rate",
                                 .y_label = "true accept rate",
                                 .lines = {}};
  diagram.x_max = -evaluation::kMinFarPower;
  Json report;
  print_head();
  for (const std::string& model :
       options.models.empty() ? std::vector<std::string>{""} : options.models) {
    const Detector detector = open_detector(options, model);
    const evaluation::TemplatePool pool = embed_templates(options, templates, detector, embedder);
    print_differences(detector);
    evaluation::PairScores scores =
        evaluation::score_template_pairs(options.pairs, templates, pool);
    const evaluation::FarRates rates = evaluation::far_rates(scores);
    const std::string name = name_of(model, detector);
    Json& json = report["detectors"].emplace_back();
    json = {{"name", name},
            {"missed", pool.missed_faces()},
            {"missed_templates", pool.missed_templates()},
            {"missed_pairs", scores.same_missed + scores.different_missed},
            {"pairs", scores.same_count() + scores.different_count()}};
    add_rates(rates.tar, rates.threshold, json);
    print_row(name, rates, pool.missed_faces());
    diagram.lines.push_back(line_of(name, diagram.lines.size(), scores));
  }
  embedder.save();
  write_json(options.figures, std::move(report));
  if (!options.figures.curves.empty())
    evaluation::draw_diagrams(options.figures.curves, std::span(&diagram, 1));
  return kSuccess;
}

}  // namespace retinaface::cli
