#include "evaluation/judged_image.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "base/check.h"
#include "evaluation/wider_evaluation.h"
#include "image/draw.h"
#include "image/resize.h"

namespace retinaface::evaluation {
namespace {

constexpr Color kFoundColor = {60, 220, 90};
constexpr Color kWrongColor = {255, 50, 40};
constexpr Color kMissedColor = {255, 220, 50};
constexpr Color kIgnoredColor = {150, 150, 150};
constexpr int kGap_px = 8;

Color color_of(MatchOutcome verdict) {
  switch (verdict) {
    case MatchOutcome::kFound:
      return kFoundColor;
    case MatchOutcome::kWrong:
      return kWrongColor;
    case MatchOutcome::kIgnored:
      break;
  }
  return kIgnoredColor;
}

Image shrunk(const Image& image, double scale) {
  const auto side = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(length * scale)));
  };
  return scale < 1 ? resize(image, side(image.width()), side(image.height())) : image;
}

Box scaled(const WiderBox& box, double scale) {
  const auto pixels = [&](double value) { return static_cast<float>(value * scale); };
  return {pixels(box.x), pixels(box.y), pixels(box.x + box.width), pixels(box.y + box.height)};
}

}  // namespace

Image draw_judged(const Image& image, const WiderImage& annotated,
                  std::vector<Detection> detections, double min_score, int max_side) {
  std::erase_if(detections, [&](const Detection& d) { return d.score < min_score; });
  // The order of match_faces, so that match i is detection i.
  std::ranges::stable_sort(detections, std::greater(), &Detection::score);
  const std::vector<Match> matches = match_faces(annotated.faces, detections);
  const auto& counted = annotated.counted_in(Subset::kHard);
  const std::vector<MatchOutcome> verdicts = judge(matches, counted, kMinOverlap);

  const int longer = std::max(image.width(), image.height());
  const double scale = std::min(1.0, static_cast<double>(max_side) / std::max(longer, 1));
  Image drawn = shrunk(image, scale);
  std::vector<std::uint8_t> missed = counted;
  // The ignored first: what matters lies on top.
  for (const MatchOutcome verdict :
       {MatchOutcome::kIgnored, MatchOutcome::kWrong, MatchOutcome::kFound}) {
    for (std::size_t i = 0; i < detections.size(); ++i) {
      if (verdicts[i] != verdict) continue;
      draw_box(drawn, scaled(detections[i].box, scale), color_of(verdict));
      if (verdict == MatchOutcome::kFound) missed[static_cast<std::size_t>(matches[i].face)] = 0;
    }
  }
  for (std::size_t i = 0; i < missed.size(); ++i) {
    if (missed[i] != 0) draw_box(drawn, scaled(annotated.faces[i], scale), kMissedColor);
  }
  return drawn;
}

Image side_by_side(std::span<const Image> images) {
  RF_CHECK(!images.empty());
  int width = kGap_px * static_cast<int>(images.size() - 1);
  for (const Image& image : images) {
    RF_CHECK(image.height() == images.front().height());
    width += image.width();
  }
  Image result(width, images.front().height());
  for (int y = 0; y < result.height(); ++y) {
    std::uint8_t* at = result.row(y);
    std::memset(at, 255, static_cast<std::size_t>(result.stride()));
    for (const Image& image : images) {
      std::memcpy(at, image.row(y), static_cast<std::size_t>(image.stride()));
      at += image.stride() + 3 * kGap_px;
    }
  }
  return result;
}

}  // namespace retinaface::evaluation
