#include "evaluation/set_report.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/counted.h"
#include "evaluation/wider_report.h"

namespace retinaface::evaluation {
namespace {

using nlohmann::json;

struct NamedFigure {
  const char* key;
  const char* text;
  std::optional<double> CocoReport::*figure;
};

constexpr NamedFigure kCocoFigures[] = {
    {"ap", "COCO, AP@[.5:.95]", &CocoReport::ap},
    {"ap_50", "COCO, AP at IoU 0.5", &CocoReport::ap_50},
    {"ap_75", "COCO, AP at IoU 0.75", &CocoReport::ap_75},
    {"ap_small", "COCO, AP, up to 32x32", &CocoReport::ap_small},
    {"ap_medium", "COCO, AP, up to 96x96", &CocoReport::ap_medium},
    {"ap_large", "COCO, AP, larger", &CocoReport::ap_large},
    {"ar_1", "COCO, AR, 1 an image", &CocoReport::ar_1},
    {"ar_10", "COCO, AR, 10 an image", &CocoReport::ar_10},
    {"ar_100", "COCO, AR, 100 an image", &CocoReport::ar_100},
};

}  // namespace

SetReport judge_set(const AnnotatedTruth& annotated, const DetectionsByImage& found) {
  std::vector<CocoImage> coco;
  SetReport report;
  for (const auto& [index, detections] : found) {
    const WiderImage& image = annotated.truth.images[index];
    const auto& counted = image.counted_in(Subset::kHard);
    CocoImage& same = coco.emplace_back();
    same.faces = image.faces;
    for (const std::uint8_t counts : counted) same.ignored.push_back(counts != 0 ? 0 : 1);
    same.detections = detections;
    report.ignored += std::ranges::count(counted, std::uint8_t{0});
  }
  report.wider = evaluate_wider(annotated.truth, match_detections(annotated.truth, found));
  report.coco = evaluate_coco(coco);
  return report;
}

std::string format_report(const SetReport& report) {
  const SubsetReport& all = report.wider.of(Subset::kHard);
  std::string text = fmt::format(
      "{}, {}, {} more ignored\n\n{:<28} {:>9}\n", counted(report.wider.images, "image"),
      counted(static_cast<std::size_t>(all.recall.faces), "face"), report.ignored, "", "%");
  const auto line = [&](const char* name, double fraction) {
    fmt::format_to(std::back_inserter(text), "{:<28} {:>9.2f}\n", name, 100 * fraction);
  };
  line("WIDER, AP at IoU 0.5", all.average_precision);
  line("WIDER, mAP@[.5:.95]", report.wider.hard_map);
  line("recall at IoU 0.5", all.recall.value());
  for (const NamedFigure& named : kCocoFigures) {
    if (const auto& figure = report.coco.*named.figure) line(named.text, *figure);
  }
  return text + format_heights(report.wider.heights, "height of faces, pixels");
}

json to_json(const SetReport& report) {
  const SubsetReport& all = report.wider.of(Subset::kHard);
  json coco = json::object();
  for (const NamedFigure& named : kCocoFigures) {
    const auto& figure = report.coco.*named.figure;
    coco[named.key] = figure ? json(100 * *figure) : json();
  }
  const auto percent = [&](double fraction) {
    return all.recall.faces > 0 ? json(100 * fraction) : json();
  };
  return {{"images", report.wider.images},
          {"faces", all.recall.faces},
          {"ignored", report.ignored},
          {"ap", percent(all.average_precision)},
          {"map", percent(report.wider.hard_map)},
          {"recall", percent(all.recall.value())},
          {"coco", coco},
          {"heights", to_json(report.wider.heights)}};
}

}  // namespace retinaface::evaluation
