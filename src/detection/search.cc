#include "detection/search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "detection/anchors.h"
#include "detection/face_frame.h"
#include "detection/image_pyramid.h"
#include "detection/large_face_check.h"
#include "detection/nms.h"
#include "detection/plausibility.h"
#include "detection/stage_times.h"
#include "detection/tiles.h"
#include "geometry/box.h"
#include "image/convert.h"
#include "image/resize.h"

namespace retinaface::detection {

Search::Search(const models::Model& model, AddFaces find)
    : detector_(model.find_detector()),
      turned_(detector_ != nullptr ? detector_->search.turned : model.find_cascade()->turned),
      find_(std::move(find)) {}

std::vector<Face> Search::find(const ImageView& image, const DetectOptions& options) const {
  std::vector<Face> faces;
  if (options.scales.empty() && !finds_all_sizes()) {
    faces = find_all_sizes(image, options);
  } else {
    constexpr float kOwnSize[] = {1};
    for (const float scale :
         options.scales.empty() ? std::span(kOwnSize) : std::span<const float>(options.scales)) {
      const std::vector<Face> found = find_at(image, scale, options);
      faces.insert(faces.end(), found.begin(), found.end());
    }
  }
  // Who keeps all boxes that overlap merges them in another way.
  const bool drops = options.nms_iou < 1 && !finds_all_sizes() && policy().drops_implausible;
  {
    const StageTimer timer(&StageTimes::suppress_ms);
    sort_by_score(faces);
    suppress_overlaps(faces, options.nms_iou);
    if (drops) drop_implausible(faces);
  }
  if (drops) drop_unconfirmed(image, faces);
  return faces;
}

std::vector<Face> Search::find_all_sizes(const ImageView& image,
                                         const DetectOptions& options) const {
  const double area = static_cast<double>(image.width) * image.height;
  double budget_px = policy().extra_work * area;
  const bool is_choosy =
      static_cast<float>(std::max(image.width, image.height)) >= policy().choosy_from_px;
  const float min_enlarged_score = is_choosy ? policy().min_enlarged_score : 0.0F;
  std::vector<Face> faces;
  std::vector<RefinementCandidate> candidates;
  bool is_enlarged = false;
  for (const PyramidLevel& level : image_pyramid(policy(), image.width, image.height)) {
    if (level.scale > 1 && !has_unknown(policy(), candidates, faces, min_enlarged_score)) {
      continue;
    }
    is_enlarged |= level.scale > 1;
    std::vector<Face> found =
        find_at(image, level.scale, options, level.scale == 1 ? &candidates : nullptr);
    std::erase_if(found, [&](const Face& face) {
      const float side = std::max(face.box.width(), face.box.height());
      return side < level.min_px || side >= level.max_px;
    });
    drop_parts(policy(), found, faces);
    faces.insert(faces.end(), found.begin(), found.end());
    if (level.scale < 1) budget_px -= area * (level.scale * level.scale + policy().shrinking_work);
  }
  // What has been seen enlarged altogether needs no enlarged crops.
  if (!is_enlarged) refine(image, budget_px, candidates, options.min_score, faces);
  return faces;
}

void Search::refine(const ImageView& image, double budget_px,
                    const std::vector<RefinementCandidate>& candidates, float min_score,
                    std::vector<Face>& faces) const {
  const std::vector<RefinementCrop> crops =
      refinement_crops(policy(), candidates, faces, image.width, image.height, budget_px);
  if (crops.empty()) return;
  // Side by side in one image, which the network runs over once.
  const int crop_side = policy().crop_side_px;
  const int side = crop_side * policy().crop_scale;
  const std::size_t row_bytes = 3 * static_cast<std::size_t>(side);
  Image strip(side * static_cast<int>(crops.size()), side);
  for (std::size_t i = 0; i < crops.size(); ++i) {
    const StageTimer timer(&StageTimes::resize_ms);
    const Image crop =
        resize(part_of(image, crops[i].x, crops[i].y, crop_side, crop_side), side, side);
    for (int y = 0; y < side; ++y) {
      std::memcpy(strip.row(y) + row_bytes * i, crop.row(y), row_bytes);
    }
  }
  std::vector<Face> found;
  find_(strip, policy().min_candidate_score, found, nullptr);
  const float factor = 1 / static_cast<float>(policy().crop_scale);
  rescale(found, factor, factor);
  for (Face& face : found) {
    const float place = std::floor(face.box.center().x / static_cast<float>(crop_side));
    if (!(place >= 0 && place < static_cast<float>(crops.size()))) continue;
    const RefinementCrop& crop = crops[static_cast<std::size_t>(place)];
    move(face, static_cast<float>(crop.x) - place * static_cast<float>(crop_side),
         static_cast<float>(crop.y));
    if (!is_seen_by(policy(), crop, face)) continue;
    face.score =
        combined_score(policy(), face.score, candidate_score_of(policy(), face, candidates));
    if (face.score >= min_score) faces.push_back(face);
  }
}

void Search::drop_unconfirmed(const ImageView& image, std::vector<Face>& faces) const {
  const models::LargeFacePolicy& large = policy().large;
  std::erase_if(faces, [&](const Face& face) {
    if (!LargeFaceCheck::is_due(large, face)) return false;
    const LargeFaceCheck check(large, image, face);
    std::vector<Face> found;
    find_(check.view(), large.min_score, found, nullptr);
    return !check.confirms(found);
  });
}

std::optional<UprightHead> Search::upright_head(const ImageView& image, const Face& face) const {
  std::vector<Face> found;
  std::vector<UprightHead> heads;
  for (const auto turns : {TurnedViews::Turns::kQuarters, TurnedViews::Turns::kBetween}) {
    const TurnedViews views(turned_, image, face.box, turns);
    found.clear();
    find_(views.strip(), turned_.min_score, found, nullptr);
    std::ranges::move(views.heads(found), std::back_inserter(heads));
    if (!may_stand_between(turned_, heads)) break;
  }
  std::optional<UprightHead> head = most_upright(turned_, std::move(heads));
  // The points of a head that is rolled tell less of a roll than there is.
  for (int i = 0; i < turned_.max_levelled && head; ++i) {
    if (std::abs(roll_of(head->face.landmarks)) < turned_.min_roll) break;
    const LevelledView levelled(turned_, image, *head);
    found.clear();
    find_(levelled.view(), turned_.min_score, found, nullptr);
    std::optional<UprightHead> better = levelled.head(found);
    if (!better) break;
    head = std::move(better);
  }
  return head && head->is_turned() ? std::move(head) : std::nullopt;
}

std::vector<Face> Search::find_at(const ImageView& image, float scale, const DetectOptions& options,
                                  std::vector<RefinementCandidate>* candidates) const {
  const auto scaled = [&](int side) {
    const std::int64_t result = std::llround(static_cast<float>(side) * scale);
    if (result > kMaxImageSide) {
      fail(ErrorCode::kTooLarge, "image: {}x{} pixels at the scale {}: no side may be over {}",
           image.width, image.height, scale, kMaxImageSide);
    }
    return static_cast<int>(std::max<std::int64_t>(1, result));
  };
  const int width = scaled(image.width);
  const int height = scaled(image.height);
  if (width == image.width && height == image.height) {
    return find_in_tiles(image, options, candidates);
  }
  const Image resized = [&] {
    const StageTimer timer(&StageTimes::resize_ms);
    return resize(image, width, height);
  }();
  std::vector<Face> faces = find_in_tiles(resized, options);
  rescale(faces, static_cast<float>(image.width) / static_cast<float>(width),
          static_cast<float>(image.height) / static_cast<float>(height));
  return faces;
}

std::vector<Face> Search::find_in_tiles(const ImageView& image, const DetectOptions& options,
                                        std::vector<RefinementCandidate>* candidates) const {
  std::vector<Face> faces;
  const std::int64_t limit = std::int64_t{options.tile_px} * options.tile_px;
  if (finds_all_sizes() || limit == 0 || std::int64_t{image.width} * image.height <= limit) {
    find_(image, options.min_score, faces, candidates);
    return faces;
  }
  const TileSizes sizes = {.side_px = options.tile_px,
                           .margin_px = policy().tile_margin_px,
                           .stride_px = coarsest_stride(detector_->anchors)};
  for (const Tile& tile : cut_into_tiles(image.width, image.height, sizes)) {
    std::vector<Face> found;
    std::vector<RefinementCandidate> tile_candidates;
    find_(part_of(image, tile.x, tile.y, tile.width, tile.height), options.min_score, found,
          candidates == nullptr ? nullptr : &tile_candidates);
    const Point origin = {static_cast<float>(tile.x), static_cast<float>(tile.y)};
    for (Face& face : found) {
      move(face, origin.x, origin.y);
      if (contains(tile.core, face.box.center())) faces.push_back(face);
    }
    for (RefinementCandidate& candidate : tile_candidates) {
      candidate.center = {candidate.center.x + origin.x, candidate.center.y + origin.y};
      if (contains(tile.core, candidate.center)) candidates->push_back(candidate);
    }
  }
  return faces;
}

}  // namespace retinaface::detection
