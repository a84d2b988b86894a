#include "evaluation/landmark_error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "base/check.h"
#include "geometry/box.h"

namespace retinaface::evaluation {
namespace {

/// The groups' lower edges in pixels.
constexpr std::array<int, 5> kHeights = {0, 16, 32, 64, 128};

double distance(Point a, Point b) {
  return std::hypot(static_cast<double>(a.x) - b.x, static_cast<double>(a.y) - b.y);
}

/// Mean of each channel, rounded.
std::array<std::uint8_t, 3> mean_color(const Image& image) {
  std::array<std::uint64_t, 3> sums{};
  for (int y = 0; y < image.height(); ++y) {
    const std::uint8_t* const row = image.row(y);
    for (int i = 0; i < 3 * image.width(); ++i) sums[static_cast<std::size_t>(i % 3)] += row[i];
  }
  const auto pixels =
      static_cast<std::uint64_t>(image.width()) * static_cast<std::uint64_t>(image.height());
  std::array<std::uint8_t, 3> mean{};
  for (std::size_t c = 0; c < 3; ++c) {
    mean[c] = static_cast<std::uint8_t>((sums[c] + pixels / 2) / pixels);
  }
  return mean;
}

}  // namespace

LandmarkError landmark_error(const Landmarks& found, const Landmarks& truth, const Box& box) {
  double sum = 0;
  for (std::size_t k = 0; k < truth.size(); ++k) sum += distance(found[k], truth[k]);
  const double mean = sum / static_cast<double>(truth.size());
  const double side = std::sqrt(static_cast<double>(area(box)));
  return {.by_box = mean / (side > 0 ? side : 1.0),
          .by_eyes = mean / std::max(distance(truth[0], truth[1]), 1.0)};
}

double LandmarkScores::mean(double LandmarkError::*measure) const {
  if (errors.empty()) return 0;
  const double sum = std::accumulate(
      errors.begin(), errors.end(), 0.0,
      [&](double before, const LandmarkError& error) { return before + error.*measure; });
  return sum / static_cast<double>(errors.size());
}

double LandmarkScores::failures(double LandmarkError::*measure) const {
  if (errors.empty()) return 0;
  const auto failed = std::ranges::count_if(
      errors, [&](const LandmarkError& error) { return error.*measure > kFailure; });
  return static_cast<double>(failed) / static_cast<double>(errors.size());
}

void LandmarkReport::add(std::size_t group, const std::optional<LandmarkError>& error) {
  RF_CHECK(group < groups.size());
  for (LandmarkScores* scores : {&all, &groups[group]}) {
    ++scores->faces;
    if (error) scores->errors.push_back(*error);
  }
}

std::vector<std::optional<std::size_t>> assign_faces(
    std::span<const dataset::AnnotatedFace> annotated, std::span<const Face> found, float min_iou) {
  std::vector<std::size_t> order(found.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return found[i].score; });

  std::vector<std::optional<std::size_t>> taken_by(annotated.size());
  for (const std::size_t i : order) {
    std::size_t best = 0;
    float best_iou = 0;
    for (std::size_t j = 0; j < annotated.size(); ++j) {
      const float overlap = iou(found[i].box, annotated[j].box);
      if (overlap > best_iou) {
        best_iou = overlap;
        best = j;
      }
    }
    if (best_iou > 0 && best_iou >= min_iou && !taken_by[best]) taken_by[best] = i;
  }
  return taken_by;
}

LandmarkReport new_report_by_height() {
  LandmarkReport report;
  for (std::size_t i = 0; i < kHeights.size(); ++i) {
    report.groups.push_back(
        {.name = i + 1 < kHeights.size()
                     ? fmt::format("{} to {} pixels high", kHeights[i], kHeights[i + 1])
                     : fmt::format("{} pixels high and more", kHeights[i])});
  }
  return report;
}

std::size_t height_group(double height_px) {
  std::size_t group = 0;
  while (group + 1 < kHeights.size() && height_px >= kHeights[group + 1]) ++group;
  return group;
}

LandmarkReport new_report_by_pose() {
  LandmarkReport report;
  for (const char* name : {"left profile", "left", "frontal", "right", "right profile"}) {
    report.groups.push_back({.name = name});
  }
  return report;
}

Image with_border(const Image& image, int border_px) {
  Image result(image.width() + 2 * border_px, image.height() + 2 * border_px);
  const auto color = mean_color(image);
  for (int y = 0; y < result.height(); ++y) {
    std::uint8_t* const row = result.row(y);
    for (int i = 0; i < 3 * result.width(); ++i) row[i] = color[static_cast<std::size_t>(i % 3)];
    const int source = y - border_px;
    if (source >= 0 && source < image.height()) {
      std::memcpy(row + 3 * border_px, image.row(source),
                  3 * static_cast<std::size_t>(image.width()));
    }
  }
  return result;
}

}  // namespace retinaface::evaluation
