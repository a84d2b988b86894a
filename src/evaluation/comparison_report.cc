#include "evaluation/comparison_report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "evaluation/wider_report.h"

namespace retinaface::evaluation {
namespace {

using nlohmann::json;

double percent(double fraction) {
  return 100 * fraction;
}

std::size_t name_width(const Comparison& comparison) {
  std::size_t width = 9;
  for (const Standing& standing : comparison.standings) {
    width = std::max(width, standing.name.size());
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

/// One line per detector, one column per measure.
void append_estimates(const Comparison& comparison,
                      std::array<Estimate, kMeasures> Standing::*estimates, bool with_sign,
                      std::string& text) {
  for (const Standing& standing : comparison.standings) {
    if (with_sign && &standing == &comparison.standings.front()) continue;
    fmt::format_to(std::back_inserter(text), "{:<{}}", standing.name, name_width(comparison));
    for (const Estimate& estimate : standing.*estimates) {
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

/// A table with one column per detector. `value(standing)` is the figure of one row.
class SideBySide {
 public:
  SideBySide(const Comparison& comparison, const std::string& title, std::string& text)
      : comparison_(comparison), text_(text), width_(name_width(comparison)) {
    fmt::format_to(std::back_inserter(text_), "\n{:<28} {:>7}", title, "faces");
    for (const Standing& standing : comparison_.standings) {
      fmt::format_to(std::back_inserter(text_), "  {:>{}}", standing.name, width_);
    }
    text_ += '\n';
  }

  template <typename Value>
  void append(const std::string& title, std::int64_t faces, Value value) {
    fmt::format_to(std::back_inserter(text_), "{:<28} {:>7}", title, faces);
    for (const Standing& standing : comparison_.standings) {
      fmt::format_to(std::back_inserter(text_), "  {:>{}.2f}", percent(value(standing)), width_);
    }
    text_ += '\n';
  }

 private:
  const Comparison& comparison_;
  std::string& text_;
  std::size_t width_;
};

void append_heights(const Comparison& comparison, std::string& text) {
  const std::vector<HeightReport>& heights = comparison.standings.front().report.heights;
  SideBySide table(comparison, "recall %, by height in px", text);
  for (std::size_t i = 0; i < heights.size(); ++i) {
    if (heights[i].recall.faces == 0) continue;
    table.append(height_range(heights[i]), heights[i].recall.faces, [i](const Standing& standing) {
      return standing.report.heights[i].recall.value();
    });
  }
}

void append_events(const Comparison& comparison, std::string& text) {
  const std::vector<EventReport>& events = comparison.standings.front().report.events;
  SideBySide table(comparison, "AP % of hard faces, by event", text);
  for (std::size_t i = 0; i < events.size(); ++i) {
    table.append(events[i].name, events[i].of(Subset::kHard).recall.faces,
                 [i](const Standing& standing) {
                   return standing.report.events[i].of(Subset::kHard).average_precision;
                 });
  }
}

json interval_to_json(const Interval& interval) {
  return {percent(interval.low), percent(interval.high)};
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace

std::string format_comparison(const Comparison& comparison) {
  std::string text = fmt::format(
      "{} of {} pictures; in brackets what 95 % of {} samples of these pictures give\n\n",
      comparison.pictures, comparison.all_pictures, comparison.resampling.samples);
  append_measure_names("AP %", comparison, text);
  append_estimates(comparison, &Standing::estimates, false, text);
  if (comparison.standings.size() > 1) {
    fmt::format_to(std::back_inserter(text), "\ndifference to {}, on the same samples\n",
                   comparison.standings.front().name);
    append_estimates(comparison, &Standing::differences, true, text);
  }
  append_heights(comparison, text);
  append_events(comparison, text);
  return text;
}

json to_json(const Comparison& comparison) {
  json result = {{"images", comparison.pictures},
                 {"images_of", comparison.all_pictures},
                 {"samples", comparison.resampling.samples},
                 {"seed", comparison.resampling.seed},
                 {"detectors", json::array()}};
  for (const Standing& standing : comparison.standings) {
    json entry = {{"name", standing.name}, {"report", to_json(standing.report)}};
    for (std::size_t m = 0; m < kMeasures; ++m) {
      const char* const name = measures()[m].name;
      const Estimate& difference = standing.differences[m];
      entry["intervals"][name] = interval_to_json(standing.estimates[m].interval);
      entry["differences"][name] = {{"value", percent(difference.value)},
                                    {"interval", interval_to_json(difference.interval)}};
    }
    result["detectors"].push_back(std::move(entry));
  }
  return result;
}

std::string format_page(const Comparison& comparison, std::span<const double> min_scores,
                        std::span<const DrawnDisagreement> pictures) {
  std::string page =
      "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Where the detectors differ</title>\n"
      "<style>body{font-family:sans-serif} table{border-collapse:collapse;width:100%;\n"
      "table-layout:fixed} th{font-weight:normal;text-align:left;padding:4px 0} "
      "img{width:100%}</style>\n"
      "<h1>Where the detectors differ</h1>\n"
      "<p>Hard faces of WIDER FACE at IoU 0.5: found in green, missed in yellow, wrong detections "
      "in red,\nignored ones in grey. Each detector is held to the score where its F1 is best.\n";
  const auto out = std::back_inserter(page);
  for (const DrawnDisagreement& drawn : pictures) {
    fmt::format_to(out, "<h2>{}</h2>\n<table><tr>", escaped(drawn.title));
    for (std::size_t i = 0; i < comparison.standings.size(); ++i) {
      const PictureErrors& errors = drawn.disagreement.errors[i];
      fmt::format_to(out, "<th><b>{}</b>, score {:.3f} and up: {} found, {} missed, {} wrong</th>",
                     escaped(comparison.standings[i].name), min_scores[i], errors.found,
                     errors.missed, errors.wrong);
    }
    fmt::format_to(out, "</tr><tr><td colspan=\"{}\"><img src=\"{}\"></td></tr></table>\n",
                   comparison.standings.size(), escaped(drawn.image.string()));
  }
  return page;
}

}  // namespace retinaface::evaluation
