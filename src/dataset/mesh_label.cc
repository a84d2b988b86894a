#include "dataset/mesh_label.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"

namespace retinaface::dataset {
namespace {

using nlohmann::json;

float number(const json& value) {
  const auto result = value.get<float>();
  if (!std::isfinite(result)) throw std::domain_error("expected numbers that are finite");
  return result;
}

template <typename Array>
void read_points(const json& value, Array& points) {
  if (value.size() != points.size()) {
    throw std::domain_error(
        fmt::format("expected {} points, found {}", points.size(), value.size()));
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = {number(value.at(i).at(0)), number(value.at(i).at(1))};
  }
}

MeshLabel label_of(const json& line) {
  MeshLabel label;
  label.image = line.at("image").get<std::string>();
  const json& box = line.at("box");
  label.box = {number(box.at(0)), number(box.at(1)), number(box.at(2)), number(box.at(3))};
  if (!(label.box.width() > 0 && label.box.height() > 0)) {
    throw std::domain_error("expected a box with an area");
  }
  read_points(line.at("landmarks"), label.landmarks);
  if (line.contains("points_68")) read_points(line.at("points_68"), label.points_68.emplace());
  if (line.contains("vertices")) {
    for (const json& vertex : line.at("vertices")) {
      label.vertices.push_back({number(vertex.at(0)), number(vertex.at(1)), number(vertex.at(2))});
    }
    if (label.vertices.size() != kMeshVertices) {
      throw std::domain_error(
          fmt::format("expected {} vertices, found {}", kMeshVertices, label.vertices.size()));
    }
  }
  if (line.contains("pose")) {
    const json& pose = line.at("pose");
    label.pose = {number(pose.at("yaw")), number(pose.at("pitch")), number(pose.at("roll"))};
  }
  label.is_test = line.value("is_test", false);
  return label;
}

}  // namespace

std::vector<MeshLabel> read_mesh_labels(const std::filesystem::path& path) {
  const auto bytes = read_named_file(path);
  std::vector<MeshLabel> labels;
  for_each_line(text_of(bytes), [&](std::string_view line, int number) {
    if (line.empty()) return;
    try {
      labels.push_back(label_of(json::parse(line)));
    } catch (const std::exception& error) {
      fail(ErrorCode::kBadData, "{}:{}: expected a face as tools/mesh/labels.py writes it: {}",
           printable(path), number, excerpt(error.what()));
    }
  });
  if (labels.empty()) {
    fail(ErrorCode::kBadData, "{}: expected faces, one a line, found none", printable(path));
  }
  return labels;
}

}  // namespace retinaface::dataset
