#include "evaluation/wider_report.h"

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

namespace retinaface::evaluation {
namespace {

using nlohmann::json;

double percent(double fraction) {
  return 100 * fraction;
}

}  // namespace

std::string height_range(const HeightReport& height) {
  return std::isinf(height.max_height)
             ? fmt::format("{} and more", height.min_height)
             : fmt::format("{} to {}", height.min_height, height.max_height);
}

std::string format_heights(std::span<const HeightReport> heights, std::string_view title) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "\n{:<28} {:>9} {:>9} {:>9}\n", title, "faces", "recall %", "AP %");
  for (const HeightReport& height : heights) {
    if (height.recall.faces == 0) continue;
    fmt::format_to(out, "{:<28} {:>9} {:>9.2f} {:>9.2f}\n", height_range(height),
                   height.recall.faces, percent(height.recall.value()),
                   percent(height.average_precision));
  }
  return text;
}

json to_json(std::span<const HeightReport> heights) {
  json result = json::array();
  for (const HeightReport& height : heights) {
    const auto of_faces = [&](double share) {
      return height.recall.faces > 0 ? json(percent(share)) : json();
    };
    json entry = {{"from", height.min_height},
                  {"faces", height.recall.faces},
                  {"recall", of_faces(height.recall.value())},
                  {"ap", of_faces(height.average_precision)}};
    if (!std::isinf(height.max_height)) entry["to"] = height.max_height;
    result.push_back(entry);
  }
  return result;
}

std::string format_report(const WiderReport& report) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{} of {} images\n\n", report.images, report.all_images);
  fmt::format_to(out, "{:<28} {:>9} {:>9} {:>9}\n", "", "faces", "recall %", "AP %");
  for (const Subset subset : kSubsets) {
    const SubsetReport& part = report.of(subset);
    fmt::format_to(out, "{:<28} {:>9} {:>9.2f} {:>9.2f}\n", name_of(subset), part.recall.faces,
                   percent(part.recall.value()), percent(part.average_precision));
  }
  fmt::format_to(out, "{:<28} {:>9} {:>9} {:>9.2f}\n", "hard, mAP@[.5:.95]", "", "",
                 percent(report.hard_map));

  text += format_heights(report.heights, "height of hard faces, pixels");

  fmt::format_to(out, "\n{:<28} {:>9} {:>9} {:>9}\n", "event, hard faces", "faces", "recall %",
                 "AP %");
  for (const EventReport& event : report.events) {
    const SubsetReport& hard = event.of(Subset::kHard);
    fmt::format_to(out, "{:<28} {:>9} {:>9.2f} {:>9.2f}\n", event.name, hard.recall.faces,
                   percent(hard.recall.value()), percent(hard.average_precision));
  }
  return text;
}

json to_json(const WiderReport& report) {
  json result = {{"images", report.images},
                 {"images_of", report.all_images},
                 {"map", percent(report.hard_map)}};
  for (const Subset subset : kSubsets) {
    const SubsetReport& part = report.of(subset);
    result[name_of(subset)] = percent(part.average_precision);
    result["faces"][name_of(subset)] = part.recall.faces;
    result["recall"][name_of(subset)] = percent(part.recall.value());
  }
  result["events"] = json::array();
  for (const EventReport& event : report.events) {
    json entry = {{"event", event.name}, {"images", event.images}};
    for (const Subset subset : kSubsets) {
      const SubsetReport& part = event.of(subset);
      entry[name_of(subset)] = {{"faces", part.recall.faces},
                                {"recall", percent(part.recall.value())},
                                {"ap", percent(part.average_precision)}};
    }
    result["events"].push_back(entry);
  }
  result["heights"] = to_json(report.heights);
  return result;
}

}  // namespace retinaface::evaluation
