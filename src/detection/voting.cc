#include "detection/voting.h"

#include <algorithm>
#include <array>
#include <utility>

#include "detection/nms.h"
#include "geometry/box.h"
#include "geometry/mirror.h"
#include "image/convert.h"

namespace retinaface::detection {
namespace {

/// A mean of faces weighted by their scores; in double, because thousands may be added.
class Mean {
 public:
  void add(const Face& face) {
    const double weight = face.score;
    weight_ += weight;
    double* sum = sums_.data();
    for (const float value : {face.box.x0, face.box.y0, face.box.x1, face.box.y1}) {
      *sum++ += weight * value;
    }
    for (const Point& point : face.landmarks) {
      *sum++ += weight * point.x;
      *sum++ += weight * point.y;
    }
    values_.resize(face.values.size());
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += weight * face.values[i];
  }

  bool has_weight() const { return weight_ > 0; }

  Face face(float score) const {
    const auto mean = [&](std::size_t i) { return static_cast<float>(sums_[i] / weight_); };
    Face face{.score = score, .box = {mean(0), mean(1), mean(2), mean(3)}};
    for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
      face.landmarks[k] = {mean(4 + 2 * k), mean(5 + 2 * k)};
    }
    for (const double sum : values_) face.values.push_back(static_cast<float>(sum / weight_));
    return face;
  }

 private:
  double weight_ = 0;
  std::array<double, 14> sums_{};
  std::vector<double> values_;
};

}  // namespace

std::vector<Face> vote(std::vector<Face> faces, float min_iou) {
  sort_by_score(faces);
  std::vector<Face> voted;
  while (!faces.empty()) {
    const Face best = faces.front();
    Mean mean;
    // The best one is always of its own cluster, even where its box has no area and so no IoU.
    mean.add(best);
    const auto rest = std::remove_if(faces.begin() + 1, faces.end(), [&](const Face& face) {
      if (iou(best.box, face.box) < min_iou) return false;
      mean.add(face);
      return true;
    });
    const bool alone = rest == faces.end();
    voted.push_back(alone || !mean.has_weight() ? best : mean.face(best.score));
    faces.erase(rest, faces.end());
    faces.erase(faces.begin());
  }
  return voted;
}

Image mirrored(ImageView image) {
  Image result = to_rgb(image);
  mirror(result);
  return result;
}

Face mirrored(const Face& face, int width) {
  const auto edge = static_cast<float>(width);
  Face result = face;
  result.box = mirrored(face.box, edge);
  result.landmarks = mirrored(face.landmarks, edge);
  return result;
}

}  // namespace retinaface::detection
