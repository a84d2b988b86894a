#include "arrays.h"

#include <cmath>

#include "base/check.h"

namespace retinaface::python {

namespace nb = nanobind;

namespace {

nb::object mesh_arrays_of(std::span<const Face> faces) {
  std::vector<float> vertices;
  std::vector<float> colors;
  std::vector<float> poses;
  std::vector<float> points;
  vertices.reserve(3 * kMeshVertices * faces.size());
  colors.reserve(3 * kMeshVertices * faces.size());
  for (const Face& face : faces) {
    const FaceMesh& mesh = *face.mesh;
    for (const MeshVertex& v : mesh.vertices) vertices.insert(vertices.end(), {v.x, v.y, v.z});
    for (const MeshColor& c : mesh.colors) colors.insert(colors.end(), {c.red, c.green, c.blue});
    poses.insert(poses.end(), {mesh.pose.yaw, mesh.pose.pitch, mesh.pose.roll});
    for (const Point& point : landmarks_68(mesh)) points.insert(points.end(), {point.x, point.y});
  }
  const std::size_t count = faces.size();
  return nb::make_tuple(array_of(std::move(vertices), {count, kMeshVertices, 3}),
                        array_of(std::move(colors), {count, kMeshVertices, 3}),
                        array_of(std::move(poses), {count, 3}),
                        array_of(std::move(points), {count, 68, 2}));
}

void expect_rows(const char* name, const Floats& array, std::size_t rows, std::size_t row_size) {
  if (array.size() == rows * row_size) return;
  fail(ErrorCode::kInvalidArgument, "{}: expected {} rows of {} values, found {} values", name,
       rows, row_size, array.size());
}

}  // namespace

void exchange_red_and_blue(Image& image) {
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* pixel = image.row(y);
    for (int x = 0; x < image.width(); ++x, pixel += 3) std::swap(pixel[0], pixel[2]);
  }
}

nb::tuple arrays_of(std::span<const Face> faces, bool with_meshes) {
  std::vector<float> boxes;
  std::vector<float> scores;
  std::vector<float> landmarks;
  std::vector<float> values;
  for (const Face& face : faces) {
    boxes.insert(boxes.end(), {face.box.x0, face.box.y0, face.box.x1, face.box.y1});
    scores.push_back(face.score);
    for (const Point& point : face.landmarks) landmarks.insert(landmarks.end(), {point.x, point.y});
    values.insert(values.end(), face.values.begin(), face.values.end());
  }
  const std::size_t count = faces.size();
  const std::size_t value_count = count == 0 ? 0 : values.size() / count;
  return nb::make_tuple(array_of(std::move(boxes), {count, 4}),
                        array_of(std::move(scores), {count}),
                        array_of(std::move(landmarks), {count, 5, 2}),
                        array_of(std::move(values), {count, value_count}),
                        with_meshes ? mesh_arrays_of(faces) : nb::none());
}

nb::tuple arrays_of(std::span<const FaceQuality> qualities) {
  const std::size_t count = qualities.size();
  const auto column = [&](float FaceQuality::*figure) {
    std::vector<float> values;
    for (const FaceQuality& quality : qualities) values.push_back(quality.*figure);
    return array_of(std::move(values), {count});
  };
  std::vector<float> poses;
  for (const FaceQuality& quality : qualities) {
    poses.insert(poses.end(), {quality.pose.yaw, quality.pose.pitch, quality.pose.roll});
  }
  return nb::make_tuple(column(&FaceQuality::score), column(&FaceQuality::sharpness),
                        column(&FaceQuality::size), column(&FaceQuality::frontality),
                        column(&FaceQuality::spread), array_of(std::move(poses), {count, 3}));
}

std::vector<Landmarks> landmarks_of(const Floats& points) {
  std::vector<Landmarks> all(points.size() / 10);
  const float* coordinate = points.data();
  for (Landmarks& landmarks : all) {
    for (Point& point : landmarks) {
      point = {coordinate[0], coordinate[1]};
      coordinate += 2;
    }
  }
  return all;
}

std::vector<FaceMesh> meshes_of(const Floats& vertices, const Floats& colors) {
  expect_rows("mesh", vertices, vertices.size() / (3 * kMeshVertices), 3 * kMeshVertices);
  expect_rows("mesh_colors", colors, vertices.size() / (3 * kMeshVertices), 3 * kMeshVertices);
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    if (!(std::abs(vertices.data()[i]) <= static_cast<float>(kMaxImageSide))) {
      fail(ErrorCode::kInvalidArgument, "mesh: expected places in an image, found {}",
           vertices.data()[i]);
    }
  }
  std::vector<FaceMesh> meshes(vertices.size() / (3 * kMeshVertices));
  const float* v = vertices.data();
  const float* c = colors.data();
  for (FaceMesh& mesh : meshes) {
    for (std::size_t i = 0; i < kMeshVertices; ++i, v += 3, c += 3) {
      mesh.vertices.push_back({v[0], v[1], v[2]});
      mesh.colors.push_back({c[0], c[1], c[2]});
    }
  }
  return meshes;
}

std::vector<Face> faces_of(const Floats& boxes, const Floats& scores, const Floats& landmarks) {
  expect_rows("boxes", boxes, scores.size(), 4);
  expect_rows("landmarks", landmarks, scores.size(), 10);
  std::vector<Face> faces(scores.size());
  const std::vector<Landmarks> points = landmarks_of(landmarks);
  const float* box = boxes.data();
  for (std::size_t i = 0; i < faces.size(); ++i, box += 4) {
    faces[i].score = scores.data()[i];
    faces[i].box = {box[0], box[1], box[2], box[3]};
    faces[i].landmarks = points[i];
  }
  return faces;
}

}  // namespace retinaface::python
