#include "training/loss.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "detection/anchors.h"
#include "detection/box_coding.h"
#include "training/loss_terms.h"
#include "training/matching.h"

namespace retinaface::training {
namespace {

using dataset::AnnotatedFace;

bool learns_landmarks(const AnnotatedFace& face, const LossOptions& options) {
  return dataset::has_landmarks(face) && face.points_score >= options.min_points_score;
}

/// The score that the anchors of a face have to learn, and how much it counts.
double target_of(const AnnotatedFace& face, const LossOptions& options) {
  return options.soft_targets ? std::clamp(static_cast<double>(face.points_score), 0.0, 1.0) : 1.0;
}

/// One image's share of one kind of output, by anchor.
class ImageHead {
 public:
  ImageHead(const HeadBatch& maps, std::size_t image, std::size_t images, std::size_t width)
      : width_(width) {
    for (std::size_t level = 0; level < maps.values.size(); ++level) {
      const std::size_t share = maps.values[level].size() / images;
      RF_CHECK(maps.gradients[level].size() == maps.values[level].size() && share % width == 0);
      values_.push_back(maps.values[level].data() + image * share);
      gradients_.push_back(maps.gradients[level].data() + image * share);
    }
  }

  const float* values(std::size_t level, std::size_t i) const {
    return values_[level] + i * width_;
  }
  float* gradients(std::size_t level, std::size_t i) const {
    return gradients_[level] + i * width_;
  }

 private:
  std::size_t width_;
  std::vector<const float*> values_;
  std::vector<float*> gradients_;
};

/// An anchor by its level and its number there.
struct Place {
  std::size_t level;
  std::size_t index;
};

struct Negative {
  float margin;  ///< face's logit less the other's: the loss grows with it
  Place place;
};

class ImageLoss {
 public:
  ImageLoss(const NetworkOutputs& outputs, std::size_t image, std::size_t images,
            const models::AnchorFamily& family, const LossCounts& counts,
            const LossOptions& options)
      : family_(family),
        options_(options),
        cls_scale_(1 / std::max(counts.positives, 1.0)),
        box_scale_(1 / std::max(counts.with_box, 1.0)),
        landmarks_scale_(1 / std::max(counts.with_landmarks, 1.0)),
        cls_(outputs.cls, image, images, 2),
        box_(outputs.box, image, images, 4),
        landmarks_(outputs.landmarks, image, images, 10) {}

  LossValues compute(const ImageTarget& target, std::int64_t height, std::int64_t width) {
    std::size_t anchor = 0;
    double positives = 0;
    for (std::size_t level = 0; level < family_.levels.size(); ++level) {
      const models::AnchorLevel& row = family_.levels[level];
      const detection::Grid grid = detection::grid_of(row, height, width);
      const std::size_t per_cell = row.sizes_px.size();
      const std::size_t count = static_cast<std::size_t>(grid.height * grid.width) * per_cell;
      for (std::size_t i = 0; i < count; ++i, ++anchor) {
        const std::int32_t match = target.match[anchor];
        if (match == kNeither) continue;
        const Place place = {level, i};
        if (match == kBackground) {
          negatives_.push_back({margin(place), place});
          continue;
        }
        const AnnotatedFace& face = target.faces[static_cast<std::size_t>(match)];
        positives += target_of(face, options_);
        const auto cell = static_cast<std::int64_t>(i / per_cell);
        learn_face(place,
                   detection::anchor_at(row, cell / grid.width, cell % grid.width, i % per_cell),
                   face);
      }
    }
    RF_CHECK(anchor == target.match.size());
    learn_hardest_negatives(positives);
    values_.total = static_cast<double>(options_.cls_weight) * values_.cls +
                    static_cast<double>(options_.box_weight) * values_.box +
                    static_cast<double>(options_.landmarks_weight) * values_.landmarks;
    return values_;
  }

 private:
  float margin(const Place& place) const {
    const float* const logits = cls_.values(place.level, place.index);
    return logits[1] - logits[0];
  }

  void learn_class(const Place& place, double wanted) {
    const auto d = static_cast<double>(margin(place));
    values_.cls += (wanted * softplus(-d) + (1 - wanted) * softplus(d)) * cls_scale_;
    const double slope =
        (sigmoid(d) - wanted) * cls_scale_ * static_cast<double>(options_.cls_weight);
    float* const gradients = cls_.gradients(place.level, place.index);
    gradients[0] = static_cast<float>(-slope);
    gradients[1] = static_cast<float>(slope);
  }

  void learn_face(const Place& place, const detection::Anchor& anchor, const AnnotatedFace& face) {
    const double target = target_of(face, options_);
    learn_class(place, target);
    const auto beta = static_cast<double>(options_.smooth_l1_beta);
    if (!face.box_is_estimate) {
      const auto wanted = detection::encode_box(anchor, face.box, family_);
      values_.box += target * box_scale_ *
                     smooth_l1(box_.values(place.level, place.index), wanted.data(), wanted.size(),
                               beta, static_cast<double>(options_.box_weight) * target * box_scale_,
                               box_.gradients(place.level, place.index));
    }
    if (learns_landmarks(face, options_)) {
      const auto wanted = detection::encode_landmarks(anchor, dataset::landmarks_of(face), family_);
      values_.landmarks +=
          target * landmarks_scale_ *
          smooth_l1(landmarks_.values(place.level, place.index), wanted.data(), wanted.size(), beta,
                    static_cast<double>(options_.landmarks_weight) * target * landmarks_scale_,
                    landmarks_.gradients(place.level, place.index));
    }
  }

  void learn_hardest_negatives(double positives) {
    const auto wanted = std::max(
        static_cast<std::size_t>(static_cast<double>(options_.negatives_per_positive) * positives),
        static_cast<std::size_t>(options_.min_negatives));
    const std::size_t kept = std::min(wanted, negatives_.size());
    const auto harder = [](const Negative& a, const Negative& b) {
      if (a.margin != b.margin) return a.margin > b.margin;
      if (a.place.level != b.place.level) return a.place.level < b.place.level;
      return a.place.index < b.place.index;
    };
    std::nth_element(negatives_.begin(), negatives_.begin() + static_cast<std::ptrdiff_t>(kept),
                     negatives_.end(), harder);
    for (std::size_t i = 0; i < kept; ++i) learn_class(negatives_[i].place, 0);
  }

  const models::AnchorFamily& family_;
  const LossOptions& options_;
  double cls_scale_;
  double box_scale_;
  double landmarks_scale_;
  ImageHead cls_;
  ImageHead box_;
  ImageHead landmarks_;
  std::vector<Negative> negatives_;
  LossValues values_;
};

}  // namespace

LossValues& LossValues::operator+=(const LossValues& other) {
  total += other.total;
  cls += other.cls;
  box += other.box;
  landmarks += other.landmarks;
  teacher += other.teacher;
  return *this;
}

LossCounts count_positives(std::span<const ImageTarget> targets, const LossOptions& options) {
  LossCounts counts;
  for (const ImageTarget& target : targets) {
    for (const std::int32_t match : target.match) {
      if (match < 0) continue;
      const AnnotatedFace& face = target.faces[static_cast<std::size_t>(match)];
      const double weight = target_of(face, options);
      counts.positives += weight;
      counts.with_box += face.box_is_estimate ? 0 : weight;
      counts.with_landmarks += learns_landmarks(face, options) ? weight : 0;
    }
  }
  return counts;
}

LossValues compute_loss(const NetworkOutputs& outputs, std::span<const ImageTarget> targets,
                        const models::AnchorFamily& family, std::int64_t height, std::int64_t width,
                        const LossCounts& counts, const LossOptions& options) {
  for (const HeadBatch* head : {&outputs.cls, &outputs.box, &outputs.landmarks}) {
    RF_CHECK(head->values.size() == family.levels.size());
    for (const std::span<float> gradients : head->gradients) std::ranges::fill(gradients, 0.0F);
  }
  LossValues sum;
  for (std::size_t n = 0; n < targets.size(); ++n) {
    ImageLoss loss(outputs, n, targets.size(), family, counts, options);
    sum += loss.compute(targets[n], height, width);
  }
  return sum;
}

}  // namespace retinaface::training
