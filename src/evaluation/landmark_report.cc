#include "evaluation/landmark_report.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include <fmt/format.h>

#include "base/counted.h"
#include "evaluation/plot.h"

namespace retinaface::evaluation {
namespace {

using nlohmann::json;

std::string format_row(const LandmarkScores& scores) {
  return fmt::format("{:<26} {:>7} {:>7} {:>9.2f} {:>10.2f} {:>9.2f} {:>10.2f}\n", scores.name,
                     scores.faces, scores.errors.size(), 100 * scores.mean(&LandmarkError::by_box),
                     100 * scores.failures(&LandmarkError::by_box),
                     100 * scores.mean(&LandmarkError::by_eyes),
                     100 * scores.failures(&LandmarkError::by_eyes));
}

json scores_to_json(const LandmarkScores& scores) {
  return {{"faces", scores.faces},
          {"found", scores.errors.size()},
          {"nme_box", 100 * scores.mean(&LandmarkError::by_box)},
          {"nme_eyes", 100 * scores.mean(&LandmarkError::by_eyes)},
          {"failures_box", 100 * scores.failures(&LandmarkError::by_box)},
          {"failures_eyes", 100 * scores.failures(&LandmarkError::by_eyes)}};
}

Diagram cumulative_errors(const std::string& name, const LandmarkScores& scores,
                          double LandmarkError::*measure, const std::string& normaliser,
                          double max_error) {
  std::vector<double> errors;
  for (const LandmarkError& error : scores.errors) errors.push_back(error.*measure);
  std::ranges::sort(errors);
  Line line{.label = fmt::format("{}, mean {:.2f} %", name, 100 * scores.mean(measure)),
            .x = {0},
            .y = {0}};
  const auto share = [&](std::size_t count) {
    return 100 * static_cast<double>(count) /
           static_cast<double>(std::max<std::size_t>(scores.faces, 1));
  };
  std::size_t count = 0;
  for (; count < errors.size() && errors[count] <= max_error; ++count) {
    line.x.push_back(100 * errors[count]);
    line.y.push_back(share(count + 1));
  }
  line.x.push_back(100 * max_error);
  line.y.push_back(share(count));
  return {.title = fmt::format("{}, {} found", counted(scores.faces, "face"), scores.errors.size()),
          .x_label = fmt::format("mean error of five points / {}, %", normaliser),
          .y_label = "faces, %",
          .x_max = 100 * max_error,
          .y_max = 100,
          .lines = {line}};
}

}  // namespace

std::string format_report(const LandmarkReport& report) {
  std::string text = fmt::format("{:<26} {:>7} {:>7} {:>9} {:>10} {:>9} {:>10}\n", "", "faces",
                                 "found", "NME box %", "over 10% %", "NME eyes%", "over 10% %");
  text += format_row(report.all);
  for (const LandmarkScores& group : report.groups) {
    if (group.faces > 0) text += format_row(group);
  }
  text +=
      "NME: mean distance of five points by sqrt(width * height) of the face's box, or by the\n"
      "distance between the eyes, over the faces found; then the share of these with more than 10 "
      "%\n";
  return text;
}

json to_json(const LandmarkReport& report) {
  json result = scores_to_json(report.all);
  result["groups"] = json::array();
  for (const LandmarkScores& group : report.groups) {
    json entry = scores_to_json(group);
    entry["name"] = group.name;
    result["groups"].push_back(entry);
  }
  return result;
}

std::string aflw_in_the_paper() {
  return "RetinaFace paper, AFLW: NME box 2.21 % (MTCNN 2.72 %), over 24,386 faces in whole "
         "images,\n"
         "by AFLW's own boxes; here the boxes are those found, the faces MTFL's part of AFLW\n";
}

void draw_landmark_curves(const std::filesystem::path& path, const std::string& name,
                          const LandmarkReport& report) {
  const Diagram diagrams[] = {
      cumulative_errors(name, report.all, &LandmarkError::by_box, "box", 0.1),
      cumulative_errors(name, report.all, &LandmarkError::by_eyes, "distance of the eyes", 0.3)};
  draw_diagrams(path, diagrams);
}

}  // namespace retinaface::evaluation
