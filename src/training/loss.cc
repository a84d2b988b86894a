#include "training/loss.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/parallel.h"
#include "detection/anchors.h"
#include "training/head_targets.h"
#include "training/loss_terms.h"
#include "training/matching.h"

namespace retinaface::training {
namespace {

using dataset::AnnotatedFace;

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
            const models::AnchorFamily& family, std::span<const models::Head> heads,
            const LossCounts& counts, const LossOptions& options)
      : family_(family),
        options_(options),
        heads_(heads),
        score_at_(models::score_head(heads)),
        box_at_(models::box_head(heads)),
        scale_(heads.size()),
        weight_(heads.size()) {
    for (std::size_t h = 0; h < heads.size(); ++h) {
      maps_.emplace_back(outputs[h], image, images, static_cast<std::size_t>(heads[h].values));
      scale_[h] = 1 / std::max(counts.by_head[h], 1.0);
      weight_[h] = weight_of(heads[h], options);
      values_.terms.push_back({heads[h].name});
    }
  }

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
          if (mines()) {
            negatives_.push_back({margin(place), place});
          } else {
            learn_score(place, 0);
          }
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
    for (std::size_t h = 0; h < heads_.size(); ++h) {
      values_.total += weight_[h] * values_.terms[h].value;
    }
    return values_;
  }

 private:
  float margin(const Place& place) const {
    const float* const logits = maps_[score_at_].values(place.level, place.index);
    return logits[1] - logits[0];
  }

  /// Whether only the hardest negatives count.
  bool mines() const { return options_.score == ScoreLoss::kCrossEntropy; }

  void learn_score(const Place& place, double wanted) {
    const LossSlope loss = score_loss(options_.score, static_cast<double>(margin(place)), wanted);
    values_.terms[score_at_].value += loss.value * scale_[score_at_];
    const double slope = loss.slope * scale_[score_at_] * weight_[score_at_];
    float* const gradients = maps_[score_at_].gradients(place.level, place.index);
    gradients[0] = static_cast<float>(-slope);
    gradients[1] = static_cast<float>(slope);
  }

  void learn_face(const Place& place, const detection::Anchor& anchor, const AnnotatedFace& face) {
    const double target = target_of(face, options_);
    for (std::size_t h = 0; h < heads_.size(); ++h) {
      if (h == score_at_) {
        learn_score(place, target * quality(place, anchor, face));
      } else if (has_target(heads_[h], face, options_.min_points_score)) {
        learn_values(h, place, anchor, face, target);
      }
    }
  }

  /// What the score of a face's anchor should be, of what its label says.
  double quality(const Place& place, const detection::Anchor& anchor,
                 const AnnotatedFace& face) const {
    if (options_.score != ScoreLoss::kQualityFocal || face.box_is_estimate) return 1;
    return BoxFit(anchor, maps_[box_at_].values(place.level, place.index), face.box, family_).iou();
  }

  void learn_values(std::size_t h, const Place& place, const detection::Anchor& anchor,
                    const AnnotatedFace& face, double share) {
    const float* const values = maps_[h].values(place.level, place.index);
    float* const gradients = maps_[h].gradients(place.level, place.index);
    const double factor = weight_[h] * share * scale_[h];
    if (h == box_at_ && options_.box != BoxLoss::kSmoothL1) {
      values_.terms[h].value +=
          share * scale_[h] *
          BoxFit(anchor, values, face.box, family_).loss(options_.box, factor, gradients);
      return;
    }
    const auto size = static_cast<std::size_t>(heads_[h].values);
    target_.resize(size);
    encode_target(heads_[h], anchor, face, family_, target_);
    values_.terms[h].value += share * scale_[h] * distance(h, values, size, factor, gradients);
  }

  /// Of a head's values from those in target_, by the head's loss.
  double distance(std::size_t h, const float* values, std::size_t size, double factor,
                  float* gradients) const {
    switch (heads_[h].loss) {
      case models::HeadLoss::kCrossEntropy:
        break;  // check_losses refuses it of values
      case models::HeadLoss::kSmoothL1:
        return smooth_l1(values, target_.data(), size, static_cast<double>(options_.smooth_l1_beta),
                         factor, gradients);
      case models::HeadLoss::kL1:
        return l1(values, target_.data(), size, factor, gradients);
    }
    RF_CHECK(false);
    return 0;
  }

  void learn_hardest_negatives(double positives) {
    if (!mines()) return;
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
    for (std::size_t i = 0; i < kept; ++i) learn_score(negatives_[i].place, 0);
  }

  const models::AnchorFamily& family_;
  const LossOptions& options_;
  std::span<const models::Head> heads_;
  std::size_t score_at_;
  std::size_t box_at_;
  std::vector<double> scale_;    // by head
  std::vector<double> weight_;   // by head
  std::vector<ImageHead> maps_;  // by head
  std::vector<float> target_;
  std::vector<Negative> negatives_;
  LossValues values_;
};

}  // namespace

double weight_of(const models::Head& head, const LossOptions& options) {
  const auto found = options.weights.find(head.name);
  return static_cast<double>(found != options.weights.end() ? found->second : head.loss_weight);
}

void check_losses(std::span<const models::Head> heads) {
  for (const models::Head& head : heads) {
    const bool is_score = head.meaning == models::HeadMeaning::kScore;
    if (is_score == (head.loss == models::HeadLoss::kCrossEntropy)) continue;
    fail(ErrorCode::kUnsupported, "head {}: cannot be trained: expected {}", head.name,
         is_score ? "cross-entropy as the loss of scores, found one of distances"
                  : "smooth-L1 or L1 as its loss, found cross-entropy, which is for scores alone");
  }
}

double LossValues::term(std::string_view head) const {
  const auto found = std::ranges::find(terms, head, &LossTerm::head);
  return found != terms.end() ? found->value : 0;
}

LossValues& LossValues::operator+=(const LossValues& other) {
  if (terms.empty()) {
    for (const LossTerm& term : other.terms) terms.push_back({term.head});
  }
  RF_CHECK(terms.size() == other.terms.size());
  total += other.total;
  for (std::size_t h = 0; h < terms.size(); ++h) terms[h].value += other.terms[h].value;
  teacher += other.teacher;
  mesh += other.mesh;
  return *this;
}

LossCounts count_positives(std::span<const ImageTarget> targets,
                           std::span<const models::Head> heads, const LossOptions& options) {
  LossCounts counts;
  counts.by_head.resize(heads.size());
  for (const ImageTarget& target : targets) {
    for (const std::int32_t match : target.match) {
      if (match < 0) continue;
      const AnnotatedFace& face = target.faces[static_cast<std::size_t>(match)];
      const double weight = target_of(face, options);
      counts.positives += weight;
      for (std::size_t h = 0; h < heads.size(); ++h) {
        if (has_target(heads[h], face, options.min_points_score)) counts.by_head[h] += weight;
      }
    }
  }
  return counts;
}

LossValues compute_loss(const NetworkOutputs& outputs, std::span<const ImageTarget> targets,
                        const models::AnchorFamily& family, std::span<const models::Head> heads,
                        std::int64_t height, std::int64_t width, const LossCounts& counts,
                        const LossOptions& options, int threads) {
  RF_CHECK(outputs.size() == heads.size());
  for (const HeadBatch& head : outputs) RF_CHECK(head.values.size() == family.levels.size());
  std::vector<LossValues> by_image(targets.size());
  for_each_item(threads, targets.size(), [&](std::size_t n, std::size_t) {
    for (const HeadBatch& head : outputs) {
      for (const std::span<float> gradients : head.gradients) {
        const std::size_t share = gradients.size() / targets.size();
        std::ranges::fill(gradients.subspan(n * share, share), 0.0F);
      }
    }
    ImageLoss loss(outputs, n, targets.size(), family, heads, counts, options);
    by_image[n] = loss.compute(targets[n], height, width);
  });
  LossValues sum;
  for (const LossValues& image : by_image) sum += image;
  return sum;
}

}  // namespace retinaface::training
