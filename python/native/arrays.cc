#include "arrays.h"

namespace retinaface::python {

namespace nb = nanobind;

nb::tuple arrays_of(std::span<const Face> faces) {
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
                        array_of(std::move(values), {count, value_count}));
}

std::vector<Face> faces_of(const Floats& boxes, const Floats& scores, const Floats& landmarks) {
  std::vector<Face> faces(scores.size());
  const float* box = boxes.data();
  const float* score = scores.data();
  const float* coordinate = landmarks.data();
  for (Face& face : faces) {
    face.score = *score++;
    face.box = {box[0], box[1], box[2], box[3]};
    box += 4;
    for (Point& point : face.landmarks) {
      point = {coordinate[0], coordinate[1]};
      coordinate += 2;
    }
  }
  return faces;
}

}  // namespace retinaface::python
