#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/annotation.h"

namespace retinaface::dataset {

/// What can be wrong with a set.
enum class Defect {
  kImageTwice,       ///< two entries of one path
  kImageMissing,     ///< no such file
  kImageUnreadable,  ///< no image, or a damaged one
  kSizeDiffers,      ///< the image has another size than its annotations say
  kBoxEmpty,         ///< no area, or inverted
  kBoxOutside,       ///< reaches over the image's edge by more than a pixel
  kFaceTwice,        ///< two faces of one image have the same box
  kPointOutside,     ///< a point outside the image by more than a pixel
  kPointFar,         ///< a point away from its box by more than half the box's longer side
  kPointsExchanged,  ///< left and right as the person has them, in most faces of the set
};

inline constexpr std::size_t kDefects = 10;

/// "boxes of no area"
std::string_view name_of(Defect defect);

struct FoundDefect {
  Defect defect;
  std::string text;  ///< one line: where it is and what was found
};

/// Whether a point is away from its face's box by more than half the box's longer side.
bool is_far(const Point& point, const Box& box);

/// What is wrong with the faces of one image of that size in pixels; a width of 0 when the size
/// is not known, which leaves out what depends on it.
std::vector<FoundDefect> check_faces(const AnnotatedImage& image, int width, int height);

/// What is wrong with the set as such: images that come twice, points in the wrong order.
std::vector<FoundDefect> check_entries(const AnnotationSet& set);

/// Faces by their shorter side: below 8 px, below 16, ... , 256 and more.
inline constexpr std::array kSizeLimits_px = {8, 16, 32, 64, 128, 256};

/// What a set holds.
struct SetSummary {
  std::size_t images = 0;
  std::size_t without_face = 0;  ///< images
  std::size_t faces = 0;
  std::size_t ignored = 0;
  std::size_t with_points = 0;       ///< faces with all five
  std::size_t with_some_points = 0;  ///< faces with some of the five
  std::size_t with_hidden_points = 0;
  std::size_t estimates = 0;  ///< boxes that are estimates
  std::array<std::size_t, kQualityLevels> by_quality{};
  std::array<std::size_t, kSizeLimits_px.size() + 1> by_size{};
};

SetSummary summarise(const AnnotationSet& set);

/// The summary as lines of text for people.
std::string format_summary(const SetSummary& summary);

}  // namespace retinaface::dataset
