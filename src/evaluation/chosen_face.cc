#include "evaluation/chosen_face.h"

#include "geometry/box.h"

namespace retinaface::evaluation {

const Face* best_face_around(std::span<const Face> faces, Point point) {
  const Face* best = nullptr;
  for (const Face& face : faces) {
    if (!contains(face.box, point)) continue;
    if (best == nullptr || face.score > best->score) best = &face;
  }
  return best;
}

const Face* best_face_on(std::span<const Face> faces, const Box& box, float min_iou) {
  const Face* best = nullptr;
  float best_iou = 0;
  for (const Face& face : faces) {
    const float overlap = iou(face.box, box);
    if (overlap < min_iou || (best != nullptr && overlap <= best_iou)) continue;
    best = &face;
    best_iou = overlap;
  }
  return best;
}

}  // namespace retinaface::evaluation
