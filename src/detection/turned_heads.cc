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

std::size_t row_bytes_of(int view_px) {
  return 3 * static_cast<std::size_t>(view_px);
}

float log_odds_of(float score) {
  return bounded_log_odds(score, 1e-4F);
}

/// Of the faces around the middle of view number `place` of a strip of views of `side_px` the one
/// of the highest score.
const Face* best_around_middle(const std::vector<Face>& found, int place, int side_px) {
  const auto side = static_cast<float>(side_px);
  const Point middle = {(static_cast<float>(place) + 0.5F) * side, 0.5F * side};
  const Face* best = nullptr;
  for (const Face& face : found) {
    if (contains(face.box, middle) && (best == nullptr || face.score > best->score)) best = &face;
  }
  return best;
}

/// The index of the head of the highest score: of that without a turn where it is not clearly
/// beaten. `heads` has one or more.
std::size_t most_upright_of(const models::TurnedHeadPolicy& policy,
                            const std::vector<UprightHead>& heads) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < heads.size(); ++i) {
    if (heads[i].face.score > heads[best].face.score) best = i;
  }
  const auto as_it_is =
      std::ranges::find_if(heads, [](const UprightHead& head) { return !head.is_turned(); });
  const bool stays =
      as_it_is != heads.end() && log_odds_of(heads[best].face.score) <
                                     log_odds_of(as_it_is->face.score) + policy.clearly_better;
  return stays ? static_cast<std::size_t>(as_it_is - heads.begin()) : best;
}

}  // namespace

TurnedViews::TurnedViews(const models::TurnedHeadPolicy& policy, const ImageView& image,
                         const Box& face, Turns turns)
    : strip_(kViews * policy.view_px, policy.view_px) {
  const int view_px = policy.view_px;
  const std::size_t row_bytes = row_bytes_of(view_px);
  const float side = policy.view_by_face * std::max({face.width(), face.height(), 1.0F});
  const Point center = face.center();
  const float scale = side / static_cast<float>(view_px);
  // Scale times cosine and sine of the first turn.
  const float a = turns == Turns::kQuarters ? scale : scale * std::numbers::sqrt2_v<float> / 2;
  const float b = turns == Turns::kQuarters ? 0 : a;
  const std::array<Point, kViews> axes = {Point{a, b}, {-b, a}, {-a, -b}, {b, -a}};
  const float in_view = static_cast<float>(view_px) / 2;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto [x, y] = axes[i];
    image_from_view_[i] = {x, y, {center.x - in_view * (x - y), center.y - in_view * (x + y)}};
    const Image view = warp(image, image_from_view_[i], view_px, view_px);
    for (int row = 0; row < view_px; ++row) {
      std::memcpy(strip_.row(row) + row_bytes * i, view.row(row), row_bytes);
    }
  }
}

std::vector<UprightHead> TurnedViews::heads(const std::vector<Face>& found) const {
  const int side = strip_.height();
  const std::size_t row_bytes = row_bytes_of(side);
  std::vector<UprightHead> heads;
  for (int place = 0; place < kViews; ++place) {
    const Face* const face = best_around_middle(found, place, side);
    if (face == nullptr) continue;
    const auto i = static_cast<std::size_t>(place);
    UprightHead& head =
        heads.emplace_back(UprightHead{*face, Image(side, side), image_from_view_[i]});
    move(head.face, -static_cast<float>(place * side), 0);
    for (int y = 0; y < side; ++y) {
      std::memcpy(head.view.row(y), strip_.row(y) + row_bytes * i, row_bytes);
    }
  }
  return heads;
}

bool may_stand_between(const models::TurnedHeadPolicy& policy,
                       const std::vector<UprightHead>& heads) {
  if (heads.empty()) return true;
  const std::size_t best = most_upright_of(policy, heads);
  if (std::abs(roll_of(heads[best].face.landmarks)) >= policy.min_roll) return true;
  const float bound = log_odds_of(heads[best].face.score) - policy.hardly_better;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (i != best && log_odds_of(heads[i].face.score) > bound) return true;
  }
  return false;
}

std::optional<UprightHead> most_upright(const models::TurnedHeadPolicy& policy,
                                        std::vector<UprightHead> heads) {
  if (heads.empty()) return std::nullopt;
  return std::move(heads[most_upright_of(policy, heads)]);
}

LevelledView::LevelledView(const models::TurnedHeadPolicy& policy, const ImageView& image,
                           const UprightHead& head)
    : policy_(policy), roll_before_(roll_of(head.face.landmarks)), score_before_(head.face.score) {
  const float middle = static_cast<float>(policy.view_px) / 2;
  const float cosine = std::cos(roll_before_);
  const float sine = std::sin(roll_before_);
  // About the middle of the view.
  const Similarity turned = {
      cosine,
      sine,
      {middle - cosine * middle + sine * middle, middle - sine * middle - cosine * middle}};
  image_from_view_ = head.image_from_view.after(turned);
  view_ = warp(image, image_from_view_, policy.view_px, policy.view_px);
}

std::optional<UprightHead> LevelledView::head(const std::vector<Face>& found) const {
  const Face* const best = best_around_middle(found, 0, policy_.view_px);
  if (best == nullptr || log_odds_of(best->score) < log_odds_of(score_before_) - policy_.max_loss ||
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
