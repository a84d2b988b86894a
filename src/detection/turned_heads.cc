#include "detection/turned_heads.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/logistic.h"
#include "detection/face_frame.h"
#include "geometry/box.h"
#include "image/warp.h"
#include "mesh/camera.h"

namespace retinaface::detection {
namespace {

constexpr int kViews = 4;

float log_odds_of(float score) {
  return bounded_log_odds(score, 1e-4F);
}

/// Of the faces around the middle of view number `place` of a strip the one of the highest score.
const Face* best_around_middle(const std::vector<Face>& found, int place) {
  constexpr float kSide = TurnedViews::kSide;
  const Point middle = {(static_cast<float>(place) + 0.5F) * kSide, 0.5F * kSide};
  const Face* best = nullptr;
  for (const Face& face : found) {
    if (contains(face.box, middle) && (best == nullptr || face.score > best->score)) best = &face;
  }
  return best;
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

std::optional<UprightHead> TurnedViews::most_upright(const std::vector<Face>& found) const {
  std::array<const Face*, kViews> best{};
  for (int quarters = 0; quarters < kViews; ++quarters) {
    best[static_cast<std::size_t>(quarters)] = best_around_middle(found, quarters);
  }
  const auto score_of = [&](int quarters) {
    const Face* const face = best[static_cast<std::size_t>(quarters)];
    return log_odds_of(face == nullptr ? 0 : face->score);
  };
  int turn = 0;
  for (int quarters = 1; quarters < kViews; ++quarters) {
    if (score_of(quarters) > score_of(turn)) turn = quarters;
  }
  constexpr float kClearly = 1;  // in log odds
  if (score_of(turn) < score_of(0) + kClearly) turn = 0;
  const auto chosen = static_cast<std::size_t>(turn);
  if (best[chosen] == nullptr) return std::nullopt;
  UprightHead head = {*best[chosen], Image(kSide, kSide), image_from_view_[chosen]};
  move(head.face, -static_cast<float>(turn * kSide), 0);
  constexpr std::size_t kRowBytes = 3 * std::size_t{kSide};
  for (int y = 0; y < kSide; ++y) {
    std::memcpy(head.view.row(y), strip_.row(y) + kRowBytes * chosen, kRowBytes);
  }
  return head;
}

LevelledView::LevelledView(const ImageView& image, const UprightHead& head)
    : roll_before_(roll_of(head.face.landmarks)), score_before_(head.face.score) {
  constexpr float kMiddle = TurnedViews::kSide / 2.0F;
  const float cosine = std::cos(roll_before_);
  const float sine = std::sin(roll_before_);
  // About the middle of the view.
  const Similarity turned = {
      cosine,
      sine,
      {kMiddle - cosine * kMiddle + sine * kMiddle, kMiddle - sine * kMiddle - cosine * kMiddle}};
  image_from_view_ = head.image_from_view.after(turned);
  view_ = warp(image, image_from_view_, TurnedViews::kSide, TurnedViews::kSide);
}

std::optional<UprightHead> LevelledView::head(const std::vector<Face>& found) const {
  const Face* const best = best_around_middle(found, 0);
  constexpr float kHardly = 1;  // less, in log odds
  if (best == nullptr || log_odds_of(best->score) < log_odds_of(score_before_) - kHardly ||
      std::abs(roll_of(best->landmarks)) >= std::abs(roll_before_)) {
    return std::nullopt;
  }
  return UprightHead{*best, view_, image_from_view_};
}

float roll_of(const Landmarks& landmarks) {
  const Point& left = landmarks[0];
  const Point& right = landmarks[1];
  return std::atan2(right.y - left.y, right.x - left.x);
}

bool UprightHead::is_turned() const {
  return image_from_view.b != 0 || image_from_view.a < 0;
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
