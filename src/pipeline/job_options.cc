#include "pipeline/job_options.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "retinaface/alignment.h"

#include "base/file.h"
#include "base/number_text.h"
#include "detection/tiles.h"

namespace retinaface::pipeline {
namespace {

/// The list of scales that lets the image's size decide.
constexpr const char* kAllSizes = "auto";

using Field = JobOption::Field;

constexpr int kLandmarkCounts[] = {FaceFields{}.landmarks, kDenseLandmarks};

static_assert(detection::kMinTileSide == 1280, "the help of tile says it");

constexpr JobOption kOptions[] = {
    {.name = "min-score",
     .help = "leave out faces below this score",
     .field = [](DetectionJob& job) { return Field(&job.detect.min_score); },
     .max = 1,
     .is_always_recorded = true},
    {.name = "nms",
     .help = "of boxes that overlap by more than this IoU keep the best",
     .field = [](DetectionJob& job) { return Field(&job.detect.nms_iou); },
     .max = 1,
     .is_always_recorded = true},
    {.name = "max-faces",
     .help = "keep only this many, the best (default: all)",
     .field = [](DetectionJob& job) { return Field(&job.detect.max_faces); },
     .min = 1,
     .max = std::numeric_limits<int>::max(),
     .has_default = false},
    {.name = "min-size",
     .help = "leave out faces whose box's shorter side has fewer pixels",
     .field = [](DetectionJob& job) { return Field(&job.detect.min_size_px); },
     .has_default = false},
    {.name = "clip",
     .help = "cut boxes off at the image's edge, and leave out faces of which nothing lies in the "
             "image",
     .field = [](DetectionJob& job) { return Field(&job.detect.clip_to_image); }},
    {.name = "scales",
     .help = "factors to resize the image by, e.g. 0.5,1,2; 1 is its own size; auto: what faces of "
             "all sizes need",
     .field = [](DetectionJob& job) { return Field(&job.detect.scales); },
     .max = 16,
     .is_always_recorded = true},
    {.name = "turned",
     .help = "look at each face a second time to find how far its head is turned; without it the "
             "points of heads that lie on their side or are upside down are wrong",
     .field = [](DetectionJob& job) { return Field(&job.detect.turned); }},
    {.name = "tile",
     .help = "work on larger images in overlapping squares of this side, at least 1280; 0: in one "
             "piece, however much memory that takes",
     .field = [](DetectionJob& job) { return Field(&job.detect.tile_px); },
     .min = detection::kMinTileSide,
     .max = std::numeric_limits<int>::max(),
     .may_be_zero = true,
     .is_always_recorded = true},
    {.name = "mesh",
     .help = "give each face its 3D mesh of 1024 vertices and its pose (doc/mesh.md)",
     .field = [](DetectionJob& job) { return Field(&job.fields.mesh); }},
    {.name = "mesh-refine",
     .help = "bring each mesh closer to the image, by some milliseconds a face",
     .field = [](DetectionJob& job) { return Field(&job.detect.refine_mesh); }},
    {.name = "landmarks",
     .help = "5, or 68: also Multi-PIE's 68 points, of the mesh, as landmarks_68",
     .field = [](DetectionJob& job) { return Field(&job.fields.landmarks); },
     .choices = kLandmarkCounts},
    {.name = "face-quality",
     .help =
         "give each face its pose and how sharp, large, frontal and whole it is, each from 0 to "
         "1 (doc/quality.md)",
     .field = [](DetectionJob& job) { return Field(&job.fields.quality); }},
    {.name = "align-size",
     .help = "side of aligned faces in pixels; other than 112 (224, 256 ...) with a margin around "
             "the face",
     .field = [](DetectionJob& job) { return Field(&job.images.aligned_side_px); },
     .min = kMinAlignedSide,
     .max = kMaxAlignedSide},
    {.name = "jpeg-quality",
     .help = "of JPEG images that are written, 1 to 100",
     .field = [](DetectionJob& job) { return Field(&job.images.write.jpeg_quality); },
     .min = 1,
     .max = 100},
};

std::string set(const JobOption&, const std::string& text, bool& value) {
  return set_flag(text, value);
}

std::string set(const JobOption& option, const std::string& text, int& value) {
  if (!option.choices.empty()) {
    const auto chosen =
        std::ranges::find(option.choices, text, [](int choice) { return fmt::to_string(choice); });
    if (chosen == option.choices.end()) {
      return fmt::format("expected {}, found '{}'", fmt::join(option.choices, " or "),
                         excerpt(text));
    }
    value = *chosen;
    return {};
  }
  if (!(option.may_be_zero && text == "0")) {
    const auto max = std::min(option.max, static_cast<double>(std::numeric_limits<int>::max()));
    std::string fault = whole_number_fault(text, static_cast<std::int64_t>(option.min),
                                           static_cast<std::int64_t>(max));
    if (!fault.empty() && option.may_be_zero) {
      return fmt::format("expected 0 or at least {}, found '{}'", option.min, excerpt(text));
    }
    if (!fault.empty()) return fault;
  }
  std::from_chars(text.data(), text.data() + text.size(), value);
  return {};
}

std::string set(const JobOption& option, const std::string& text, float& value) {
  const double max = std::min(option.max, static_cast<double>(std::numeric_limits<float>::max()));
  std::string fault = number_fault(text, option.min, max);
  if (!fault.empty()) return fault;
  double number = 0;  // a float's from_chars would refuse what lies below its least step
  std::from_chars(text.data(), text.data() + text.size(), number);
  value = static_cast<float>(number);
  return {};
}

/// Each over `min`.
std::string set(const JobOption& option, const std::string& text, std::vector<float>& values) {
  constexpr std::size_t kMaxCount = 64;
  std::vector<float> scales;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (text != kAllSizes) {
    float scale = 0;
    const auto result = std::from_chars(at, end, scale);
    const bool ends = result.ptr == end || *result.ptr == ',';
    if (result.ec != std::errc() || !ends ||
        !(scale > static_cast<float>(option.min) && scale <= static_cast<float>(option.max)) ||
        scales.size() == kMaxCount) {
      return fmt::format(
          "expected {}, or up to {} factors over {} and up to {} like 0.5,1,2, "
          "found '{}'",
          kAllSizes, kMaxCount, option.min, option.max, excerpt(text));
    }
    scales.push_back(scale);
    if (result.ptr == end) break;
    at = result.ptr + 1;
  }
  values = std::move(scales);
  return {};
}

}  // namespace

std::span<const JobOption> job_options() {
  return kOptions;
}

std::string_view own_name_of(std::string_view name) {
  constexpr std::string_view kScores[] = {"threshold",  "thresh",     "conf",
                                          "conf-thres", "confidence", "score-threshold"};
  constexpr std::string_view kOverlaps[] = {"iou", "iou-thres", "nms-threshold"};
  if (std::ranges::find(kScores, name) != std::end(kScores)) return "min-score";
  if (std::ranges::find(kOverlaps, name) != std::end(kOverlaps)) return "nms";
  return {};
}

const JobOption* find_job_option(std::string_view name) {
  const auto* const found = std::ranges::find(kOptions, name, &JobOption::name);
  return found == std::end(kOptions) ? nullptr : found;
}

std::string set_flag(const std::string& text, bool& value) {
  const bool is_set = text.empty() || text == "true";
  if (!is_set && text != "false") {
    return fmt::format("expected true or false, found '{}'", excerpt(text));
  }
  value = is_set;
  return {};
}

std::string set_option(const JobOption& option, const std::string& text, DetectionJob& job) {
  return std::visit([&](auto* value) { return set(option, text, *value); }, option.field(job));
}

std::string option_text(const JobOption& option, const DetectionJob& job) {
  return std::visit(
      [](const auto* value) {
        if constexpr (std::is_same_v<decltype(value), const std::vector<float>*>) {
          return scales_text(*value);
        } else {
          return fmt::to_string(*value);
        }
      },
      option.field(const_cast<DetectionJob&>(job)));  // which is only read
}

std::string scales_text(const std::vector<float>& scales) {
  return scales.empty() ? kAllSizes : fmt::format("{}", fmt::join(scales, ","));
}

}  // namespace retinaface::pipeline
