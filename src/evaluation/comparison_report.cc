#include "evaluation/comparison_report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/origin_seal.h"
#include "evaluation/html.h"
#include "evaluation/wider_report.h"

namespace retinaface::evaluation {
namespace {

using nlohmann::json;

double percent(double fraction) {
  return 100 * fraction;
}

std::size_t name_width(const Comparison& comparison) {
  std::size_t width = 9;
  for (const ComparisonRow& row : comparison.rows) {
    width = std::max(width, row.name.size());
  }
  return width;
}

std::string format_estimate(const Estimate& estimate, bool with_sign) {
  const auto number = [&](double value) {
    return with_sign ? fmt::format("{:+.2f}", value) : fmt::format("{:.2f}", value);
  };
  return fmt::format("{} [{}, {}]", number(percent(estimate.value)),
                     number(percent(estimate.interval.low)),
                     number(percent(estimate.interval.high)));
}

/// One line per detector, one column per metric.
void append_estimates(const Comparison& comparison,
                      std::array<Estimate, kMetrics> ComparisonRow::*estimates, bool with_sign,
                      std::string& text) {
  for (const ComparisonRow& row : comparison.rows) {
    if (with_sign && &row == &comparison.rows.front()) continue;
    fmt::format_to(std::back_inserter(text), "{:<{}}", row.name, name_width(comparison));
    for (const Estimate& estimate : row.*estimates) {
      fmt::format_to(std::back_inserter(text), "  {:>24}", format_estimate(estimate, with_sign));
    }
    text += '\n';
  }
}

void append_measure_names(const std::string& first, const Comparison& comparison,
                          std::string& text) {
  fmt::format_to(std::back_inserter(text), "{:<{}}  {:>24}  {:>24}  {:>24}  {:>24}\n", first,
                 name_width(comparison), "easy", "medium", "hard", "hard, mAP@[.5:.95]");
}

/// A table with one column per detector. `value(row)` is the figure of one row.
class SideBySide {
 public:
  SideBySide(const Comparison& comparison, const std::string& title, std::string& text)
      : comparison_(comparison), text_(text), width_(name_width(comparison)) {
    fmt::format_to(std::back_inserter(text_), "\n{:<28} {:>7}", title, "faces");
    for (const ComparisonRow& row : comparison_.rows) {
      fmt::format_to(std::back_inserter(text_), "  {:>{}}", row.name, width_);
    }
    text_ += '\n';
  }

  template <typename Value>
  void append(const std::string& title, std::int64_t faces, Value value) {
    fmt::format_to(std::back_inserter(text_), "{:<28} {:>7}", title, faces);
    for (const ComparisonRow& row : comparison_.rows) {
      fmt::format_to(std::back_inserter(text_), "  {:>{}.2f}", percent(value(row)), width_);
    }
    text_ += '\n';
  }

 private:
  const Comparison& comparison_;
  std::string& text_;
  std::size_t width_;
};

void append_heights(const Comparison& comparison, std::string& text) {
  const std::vector<HeightReport>& heights = comparison.rows.front().report.heights;
  SideBySide table(comparison, "recall %, by height in px", text);
  for (std::size_t i = 0; i < heights.size(); ++i) {
    if (heights[i].recall.faces == 0) continue;
    table.append(height_range(heights[i]), heights[i].recall.faces,
                 [i](const ComparisonRow& row) { return row.report.heights[i].recall.value(); });
  }
}

void append_events(const Comparison& comparison, std::string& text) {
  const std::vector<EventReport>& events = comparison.rows.front().report.events;
  SideBySide table(comparison, "AP % of hard faces, by event", text);
  for (std::size_t i = 0; i < events.size(); ++i) {
    table.append(events[i].name, events[i].of(Subset::kHard).recall.faces,
                 [i](const ComparisonRow& row) {
                   return row.report.events[i].of(Subset::kHard).average_precision;
                 });
  }
}

json interval_to_json(const Interval& interval) {
  return {percent(interval.low), percent(interval.high)};
}

}  // namespace

std::string format_comparison(const Comparison& comparison) {
  std::string text =
      fmt::format("{} of {} images; in brackets what 95 % of {} samples of these images give\n\n",
                  comparison.images, comparison.all_images, comparison.resampling.samples);
  append_measure_names("AP %", comparison, text);
  append_estimates(comparison, &ComparisonRow::estimates, false, text);
  if (comparison.rows.size() > 1) {
    fmt::format_to(std::back_inserter(text), "\ndifference to {}, on the same samples\n",
                   comparison.rows.front().name);
    append_estimates(comparison, &ComparisonRow::differences, true, text);
  }
  append_heights(comparison, text);
  append_events(comparison, text);
  return text;
}

json to_json(const Comparison& comparison) {
  json result = {{"images", comparison.images},
                 {"images_of", comparison.all_images},
                 {"samples", comparison.resampling.samples},
                 {"seed", comparison.resampling.seed},
                 {"detectors", json::array()}};
  for (const ComparisonRow& row : comparison.rows) {
    json entry = {{"name", row.name}, {"report", to_json(row.report)}};
    for (std::size_t m = 0; m < kMetrics; ++m) {
      const char* const name = metrics()[m].name;
      const Estimate& difference = row.differences[m];
      entry["intervals"][name] = interval_to_json(row.estimates[m].interval);
      entry["differences"][name] = {{"value", percent(difference.value)},
                                    {"interval", interval_to_json(difference.interval)}};
    }
    result["detectors"].push_back(std::move(entry));
  }
  return result;
}

std::string format_page(const Comparison& comparison, std::span<const double> min_scores,
                        std::span<const DrawnDisagreement> images) {
  std::string page =
      "<!doctype html>\n<meta charset=\"utf-8\">\n"
      "<title>Where the detectors differ</title>\n"
      "<style>body{font-family:sans-serif} table{border-collapse:collapse;width:100%;\n"
      "table-layout:fixed} th{font-weight:normal;text-align:left;padding:4px 0} "
      "img{width:100%}</style>\n"
      "<h1>Where the detectors differ</h1>\n"
      "<p>Hard faces of WIDER FACE at IoU 0.5: found in green, missed in yellow, wrong detections "
      "in red,\nignored ones in gray. Each detector is held to the score where its F1 is best.\n";
  const auto out = std::back_inserter(page);
  for (const DrawnDisagreement& drawn : images) {
    fmt::format_to(out, "<h2>{}</h2>\n<table><tr>", html_escaped(drawn.title));
    for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
      const ImageErrors& errors = drawn.disagreement.errors[i];
      fmt::format_to(out, "<th><b>{}</b>, score {:.3f} and up: {} found, {} missed, {} wrong</th>",
                     html_escaped(comparison.rows[i].name), min_scores[i], errors.found,
                     errors.missed, errors.wrong);
    }
    fmt::format_to(out, "</tr><tr><td colspan=\"{}\"><img src=\"{}\"></td></tr></table>\n",
                   comparison.rows.size(), html_escaped(drawn.image.string()));
  }
  return sealed(page + "<!-- " + open_mark() + " -->\n");
}

}  // namespace retinaface::evaluation
