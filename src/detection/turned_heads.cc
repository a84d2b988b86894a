#include "detection/turned_heads.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/logistic.h"
#include "geometry/box.h"
#include "image/warp.h"
#include "mesh/camera.h"

namespace retinaface::detection {
namespace {

constexpr int kViews = 4;

float bounded_log_odds(float score) {
  constexpr float kMin = 1e-4F;
  return log_odds(std::clamp(score, kMin, 1 - kMin));
}

}  // namespace

TurnedViews::TurnedViews(const ImageView& image, const Box& face) : strip_(kViews * kSide, kSide) {
  const float side = 2 * std::max({face.width(), face.height(), 1.0F});
  const Point center = face.center();
  const Point low = {center.x - side / 2, center.y - side / 2};
  const Point high = {center.x + side / 2, center.y + side / 2};
  const float scale = side / kSide;
  image_from_view_ = {Similarity{scale, 0, low}, Similarity{0, -scale, {low.x, high.y}},
                      Similarity{-scale, 0, high}, Similarity{0, scale, {high.x, low.y}}};
  constexpr std::size_t kRowBytes = 3 * std::size_t{kSide};
  for (std::size_t quarters = 0; quarters < image_from_view_.size(); ++quarters) {
    const Image view = warp(image, image_from_view_[quarters], kSide, kSide);
    for (int y = 0; y < kSide; ++y) {
      std::memcpy(strip_.row(y) + kRowBytes * quarters, view.row(y), kRowBytes);
    }
  }
}

std::optional<UprightHead> TurnedViews::upright(const std::vector<Face>& found) const {
  std::array<const Face*, kViews> best{};
  for (const Face& face : found) {
    for (int quarters = 0; quarters < kViews; ++quarters) {
      const Point middle = {(static_cast<float>(quarters) + 0.5F) * kSide, 0.5F * kSide};
      const Face*& view_best = best[static_cast<std::size_t>(quarters)];
      if (contains(face.box, middle) && (view_best == nullptr || face.score > view_best->score)) {
        view_best = &face;
      }
    }
  }
  const auto score_of = [&](int quarters) {
    const Face* const face = best[static_cast<std::size_t>(quarters)];
    return bounded_log_odds(face == nullptr ? 0 : face->score);
  };
  int turn = 0;
  for (int quarters = 1; quarters < kViews; ++quarters) {
    if (score_of(quarters) > score_of(turn)) turn = quarters;
  }
  constexpr float kClearly = 1;  // in log odds
  if (turn == 0 || score_of(turn) < score_of(0) + kClearly) return std::nullopt;
  const auto chosen = static_cast<std::size_t>(turn);
  UprightHead head = {*best[chosen], Image(kSide, kSide), image_from_view_[chosen]};
  const auto view_x = static_cast<float>(turn * kSide);
  head.face.box.x0 -= view_x;
  head.face.box.x1 -= view_x;
  for (Point& point : head.face.landmarks) point.x -= view_x;
  constexpr std::size_t kRowBytes = 3 * std::size_t{kSide};
  for (int y = 0; y < kSide; ++y) {
    std::memcpy(head.view.row(y), strip_.row(y) + kRowBytes * chosen, kRowBytes);
  }
  return head;
}

Landmarks UprightHead::landmarks() const {
  Landmarks result = face.landmarks;
  for (Point& point : result) point = image_from_view(point);
  return result;
}

FaceMesh mesh_in_image(FaceMesh mesh, const Similarity& image_from_view) {
  const float scale = std::hypot(image_from_view.a, image_from_view.b);
  for (MeshVertex& vertex : mesh.vertices) {
    const Point at = image_from_view({vertex.x, vertex.y});
    vertex = {at.x, at.y, scale * vertex.z};
  }
  constexpr float kDegrees = 180 / std::numbers::pi_v<float>;
  mesh.pose =
      mesh::turned_pose(mesh.pose, kDegrees * std::atan2(image_from_view.b, image_from_view.a));
  return mesh;
}

}  // namespace retinaface::detection
