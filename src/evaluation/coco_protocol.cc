#include "evaluation/coco_protocol.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace retinaface::evaluation {
namespace {

constexpr std::size_t kThresholdCount = 10;
constexpr std::size_t kMaxDetections = 100;
constexpr std::size_t kRecallPoints = 101;

// COCO's own program counts in steps, whose rounding decides where a recall is just reached.
double iou_threshold(std::size_t i) {
  return 0.5 + static_cast<double>(i) * ((0.95 - 0.5) / (kThresholdCount - 1));
}
double recall_point(std::size_t i) {
  return static_cast<double>(i) * (1.0 / (kRecallPoints - 1));
}

struct AreaRange {
  double min = 0;
  double max = std::numeric_limits<double>::infinity();

  bool holds(const WiderBox& box) const {
    const double area = box.width * box.height;
    return area >= min && area <= max;
  }
};

constexpr AreaRange kAll = {};
constexpr AreaRange kSmall = {0, 32.0 * 32};
constexpr AreaRange kMedium = {32.0 * 32, 96.0 * 96};
constexpr AreaRange kLarge = {96.0 * 96};

/// Intersection over union; over the detection's own area where the face is ignored.
double overlap(const WiderBox& detection, const WiderBox& face, bool ignored) {
  const double width =
      std::min(detection.x + detection.width, face.x + face.width) - std::max(detection.x, face.x);
  const double height = std::min(detection.y + detection.height, face.y + face.height) -
                        std::max(detection.y, face.y);
  if (width <= 0 || height <= 0) return 0;
  const double both = width * height;
  const double own = detection.width * detection.height;
  return both / (ignored ? own : own + face.width * face.height - both);
}

enum class Outcome : std::uint8_t { kFound, kWrong, kIgnored };

/// What becomes of an image's best detections, by falling score.
struct JudgedImage {
  std::vector<double> scores;
  std::array<std::vector<Outcome>, kThresholdCount> outcomes;
  std::int64_t faces = 0;  ///< that count
};

JudgedImage judge(const CocoImage& image, const AreaRange& range) {
  RF_CHECK(image.ignored.size() == image.faces.size());
  JudgedImage judged;
  // Faces that count come first: a detection takes an ignored one only where it finds no other.
  std::vector<std::size_t> faces(image.faces.size());
  std::iota(faces.begin(), faces.end(), std::size_t{0});
  const auto passed_over = [&](std::size_t face) {
    return image.ignored[face] != 0 || !range.holds(image.faces[face]);
  };
  std::ranges::stable_sort(faces, std::less(), passed_over);
  judged.faces = std::ranges::count(faces, false, passed_over);

  std::vector<const Detection*> detections;
  for (const Detection& detection : image.detections) detections.push_back(&detection);
  std::ranges::stable_sort(detections, std::greater(), &Detection::score);
  detections.resize(std::min(detections.size(), kMaxDetections));

  std::vector<double> overlaps;  // by detection, then by face in the order above
  for (const Detection* detection : detections) {
    judged.scores.push_back(detection->score);
    for (const std::size_t face : faces) {
      overlaps.push_back(overlap(detection->box, image.faces[face], image.ignored[face] != 0));
    }
  }
  for (std::size_t t = 0; t < kThresholdCount; ++t) {
    std::vector<std::uint8_t> taken(faces.size(), 0);
    for (std::size_t d = 0; d < detections.size(); ++d) {
      double best = std::min(iou_threshold(t), 1 - 1e-10);
      std::optional<std::size_t> match;
      for (std::size_t f = 0; f < faces.size(); ++f) {
        const bool crowd = image.ignored[faces[f]] != 0;  // may be met again and again
        if (taken[f] != 0 && !crowd) continue;
        if (match && !passed_over(faces[*match]) && passed_over(faces[f])) break;
        const double value = overlaps[d * faces.size() + f];
        if (value < best) continue;
        best = value;
        match = f;
      }
      Outcome outcome = Outcome::kWrong;
      if (match) {
        taken[*match] = 1;
        outcome = passed_over(faces[*match]) ? Outcome::kIgnored : Outcome::kFound;
      } else if (!range.holds(detections[d]->box)) {
        outcome = Outcome::kIgnored;
      }
      judged.outcomes[t].push_back(outcome);
    }
  }
  return judged;
}

/// Two figures of all images, each in [0, 1].
struct PrecisionRecall {
  double precision = 0;  ///< mean over the recalls
  double recall = 0;
};

/// Of all images at one IoU threshold, with at most so many detections an image. Empty without
/// faces.
std::optional<PrecisionRecall> precision_recall(std::span<const JudgedImage> images,
                                                std::size_t threshold, std::size_t max_detections) {
  std::int64_t faces = 0;
  std::vector<std::pair<double, Outcome>> all;
  for (const JudgedImage& image : images) {
    faces += image.faces;
    const std::size_t count = std::min(max_detections, image.scores.size());
    for (std::size_t i = 0; i < count; ++i) {
      all.emplace_back(image.scores[i], image.outcomes[threshold][i]);
    }
  }
  if (faces == 0) return std::nullopt;
  std::ranges::stable_sort(all, std::greater(), &std::pair<double, Outcome>::first);
  std::vector<double> recall;
  std::vector<double> precision;
  double found = 0;
  double wrong = 0;
  for (const auto& [score, outcome] : all) {
    found += outcome == Outcome::kFound ? 1 : 0;
    wrong += outcome == Outcome::kWrong ? 1 : 0;
    recall.push_back(found / static_cast<double>(faces));
    precision.push_back(found + wrong > 0 ? found / (found + wrong) : 0);
  }
  for (std::size_t i = precision.size(); i-- > 1;) {
    precision[i - 1] = std::max(precision[i - 1], precision[i]);
  }
  double sum = 0;
  for (std::size_t r = 0; r < kRecallPoints; ++r) {
    const auto at = std::ranges::lower_bound(recall, recall_point(r));
    if (at != recall.end()) sum += precision[static_cast<std::size_t>(at - recall.begin())];
  }
  return PrecisionRecall{sum / kRecallPoints, recall.empty() ? 0 : recall.back()};
}

/// The mean of one figure over the IoU thresholds.
std::optional<double> mean(std::span<const JudgedImage> images, double PrecisionRecall::*figure,
                           std::size_t max_detections) {
  double sum = 0;
  for (std::size_t t = 0; t < kThresholdCount; ++t) {
    const auto at_threshold = precision_recall(images, t, max_detections);
    if (!at_threshold) return std::nullopt;
    sum += (*at_threshold).*figure;
  }
  return sum / kThresholdCount;
}

std::vector<JudgedImage> judge_all(std::span<const CocoImage> images, const AreaRange& range) {
  std::vector<JudgedImage> judged;
  for (const CocoImage& image : images) judged.push_back(judge(image, range));
  return judged;
}

}  // namespace

CocoReport evaluate_coco(std::span<const CocoImage> images) {
  const std::vector<JudgedImage> all = judge_all(images, kAll);
  const auto at = [&](std::size_t threshold) -> std::optional<double> {
    const auto at_threshold = precision_recall(all, threshold, kMaxDetections);
    return at_threshold ? std::optional(at_threshold->precision) : std::nullopt;
  };
  const auto of = [&](const AreaRange& range) {
    return mean(judge_all(images, range), &PrecisionRecall::precision, kMaxDetections);
  };
  return {.ap = mean(all, &PrecisionRecall::precision, kMaxDetections),
          .ap_50 = at(0),
          .ap_75 = at(5),
          .ap_small = of(kSmall),
          .ap_medium = of(kMedium),
          .ap_large = of(kLarge),
          .ar_1 = mean(all, &PrecisionRecall::recall, 1),
          .ar_10 = mean(all, &PrecisionRecall::recall, 10),
          .ar_100 = mean(all, &PrecisionRecall::recall, kMaxDetections)};
}

}  // namespace retinaface::evaluation
