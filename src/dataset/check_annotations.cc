#include "dataset/check_annotations.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "geometry/box.h"

namespace retinaface::dataset {
namespace {

/// Coordinates are rounded in many ways; VOC's may count from 0 or 1.
constexpr float kTolerance_px = 1;
/// How far from its box a point may be, in longer sides of the box: chins and ears are outside of
/// many annotators' boxes, mouths of profiles too.
constexpr float kTolerance_sides = 0.5F;

/// How far the point is from the box; 0 inside.
float distance(const Point& point, const Box& box) {
  const float x = std::max({box.x0 - point.x, point.x - box.x1, 0.0F});
  const float y = std::max({box.y0 - point.y, point.y - box.y1, 0.0F});
  return std::hypot(x, y);
}

/// By how much the box reaches over the image.
float overhang(const Box& box, const Box& image) {
  return std::max({image.x0 - box.x0, image.y0 - box.y0, box.x1 - image.x1, box.y1 - image.y1});
}

/// Takes down what is wrong with one face.
class FaceCheck {
 public:
  FaceCheck(const AnnotatedImage& image, std::size_t index, std::vector<FoundDefect>& findings)
      : face_(image.faces[index]), findings_(findings) {
    const Box& box = face_.box;
    where_ = fmt::format("{}: face {} at {:.1f} {:.1f} of {:.1f} x {:.1f}", printable(image.path),
                         index + 1, box.x0, box.y0, box.width(), box.height());
  }

  void check(const std::optional<Box>& image) {
    if (area(face_.box) <= 0) note(Defect::kBoxEmpty, "no area");
    // An estimate follows from the points, wherever the image ends.
    if (image && !face_.box_is_estimate && overhang(face_.box, *image) > kTolerance_px) {
      note(Defect::kBoxOutside,
           fmt::format("reaches over the image's edge by {:.1f} px", overhang(face_.box, *image)));
    }
    for (std::size_t i = 0; i < face_.points.size(); ++i) {
      if (face_.points[i].state != PointState::kMissing) check_point(i, image);
    }
  }

 private:
  void note(Defect defect, std::string_view text) {
    findings_.push_back({defect, fmt::format("{}: {}", where_, text)});
  }

  void check_point(std::size_t index, const std::optional<Box>& image) {
    const Point& point = face_.points[index].position;
    const std::string name = fmt::format("point {} at {:.1f} {:.1f}", index + 1, point.x, point.y);
    if (image && distance(point, *image) > kTolerance_px) {
      note(Defect::kPointOutside, name + " is outside the image");
    }
    if (is_far(point, face_.box)) {
      note(Defect::kPointFar,
           fmt::format("{} is {:.1f} px away from the box", name, distance(point, face_.box)));
    }
  }

  const AnnotatedFace& face_;
  std::vector<FoundDefect>& findings_;
  std::string where_;
};

void find_equal_boxes(const AnnotatedImage& image, std::vector<FoundDefect>& findings) {
  std::map<std::tuple<float, float, float, float>, std::size_t> seen;
  for (std::size_t i = 0; i < image.faces.size(); ++i) {
    const Box& box = image.faces[i].box;
    const auto [first, is_new] = seen.emplace(std::tuple(box.x0, box.y0, box.x1, box.y1), i);
    if (is_new) continue;
    findings.push_back(
        {Defect::kFaceTwice, fmt::format("{}: faces {} and {} have the same box",
                                         printable(image.path), first->second + 1, i + 1)});
  }
}

/// The left eye and the left corner of the mouth stand right of the right ones.
bool looks_exchanged(const AnnotatedFace& face) {
  const Landmarks points = landmarks_of(face);
  return points[0].x > points[1].x && points[3].x > points[4].x;
}

}  // namespace

bool is_far(const Point& point, const Box& box) {
  const float side = std::max(box.width(), box.height());
  return side > 0 && distance(point, box) > kTolerance_sides * side;
}

std::string_view name_of(Defect defect) {
  constexpr std::array<std::string_view, kDefects> kNames = {
      "images that come twice",    "missing images",
      "unreadable images",         "images of another size than their annotations say",
      "boxes of no area",          "boxes outside the image",
      "faces that come twice",     "points outside the image",
      "points far from their box", "points in the person's order",
  };
  return kNames[static_cast<std::size_t>(defect)];
}

std::vector<FoundDefect> check_faces(const AnnotatedImage& image, int width, int height) {
  std::vector<FoundDefect> findings;
  std::optional<Box> bounds;
  if (width > 0) bounds = Box{0, 0, static_cast<float>(width), static_cast<float>(height)};
  for (std::size_t i = 0; i < image.faces.size(); ++i) {
    FaceCheck(image, i, findings).check(bounds);
  }
  find_equal_boxes(image, findings);
  return findings;
}

std::vector<FoundDefect> check_entries(const AnnotationSet& set) {
  std::vector<FoundDefect> findings;
  std::map<std::string_view, std::size_t> seen;
  std::size_t with_points = 0;
  std::size_t exchanged = 0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto [first, is_new] = seen.emplace(set[i].path, i);
    if (!is_new) {
      findings.push_back(
          {Defect::kImageTwice, fmt::format("{}: entries {} and {} are of this image",
                                            printable(set[i].path), first->second + 1, i + 1)});
    }
    for (const AnnotatedFace& face : set[i].faces) {
      if (!has_landmarks(face)) continue;
      ++with_points;
      if (looks_exchanged(face)) ++exchanged;
    }
  }
  if (2 * exchanged > with_points) {
    findings.push_back(
        {Defect::kPointsExchanged,
         fmt::format("in {} of {} faces with points, the left eye and corner of the mouth stand to "
                     "the right of the right ones; left and right are meant as seen in the image",
                     exchanged, with_points)});
  }
  return findings;
}

SetSummary summarise(const AnnotationSet& set) {
  SetSummary summary{.images = set.size()};
  for (const AnnotatedImage& image : set) {
    if (image.faces.empty()) ++summary.without_face;
    summary.faces += image.faces.size();
    for (const AnnotatedFace& face : image.faces) {
      const auto count = [&](PointState state) {
        return std::ranges::count(face.points, state, &AnnotatedPoint::state);
      };
      if (face.ignored) ++summary.ignored;
      if (face.box_is_estimate) ++summary.estimates;
      if (has_landmarks(face)) {
        ++summary.with_points;
      } else if (count(PointState::kMissing) < std::ssize(face.points)) {
        ++summary.with_some_points;
      }
      if (count(PointState::kHidden) > 0) ++summary.with_hidden_points;
      if (face.quality) ++summary.by_quality[static_cast<std::size_t>(*face.quality) - 1];
      const float side = std::min(face.box.width(), face.box.height());
      const auto* const limit = std::ranges::upper_bound(kSizeLimits_px, side);
      ++summary.by_size[static_cast<std::size_t>(limit - kSizeLimits_px.begin())];
    }
  }
  return summary;
}

std::string format_summary(const SetSummary& summary) {
  std::string text =
      fmt::format("images  {:8}   without a face {}\n", summary.images, summary.without_face);
  text += fmt::format("faces     {:8}   ignored {}\n", summary.faces, summary.ignored);
  text += fmt::format("points    {:8}   with some of the five only {}, with hidden ones {}\n",
                      summary.with_points, summary.with_some_points, summary.with_hidden_points);
  if (summary.estimates > 0) text += fmt::format("boxes made of points {}\n", summary.estimates);
  if (std::ranges::any_of(summary.by_quality, [](std::size_t count) { return count > 0; })) {
    text += "quality   ";
    for (std::size_t i = 0; i < summary.by_quality.size(); ++i) {
      text += fmt::format("  {}: {}", i + 1, summary.by_quality[i]);
    }
    text += '\n';
  }
  text += "shorter side in px\n";
  for (std::size_t i = 0; i < summary.by_size.size(); ++i) {
    const std::string range = i == kSizeLimits_px.size()
                                  ? fmt::format("{} and more", kSizeLimits_px[i - 1])
                                  : fmt::format("below {}", kSizeLimits_px[i]);
    text += fmt::format("  {:<12}{:8}\n", range, summary.by_size[i]);
  }
  return text;
}

}  // namespace retinaface::dataset
