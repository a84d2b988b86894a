#include "training/distillation.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/parallel.h"
#include "training/loss_terms.h"

namespace retinaface::training {

double weight_of(const models::Head& head, const DistillationOptions& options) {
  const auto found = options.weights.find(head.name);
  return found != options.weights.end() ? static_cast<double>(found->second) : 1.0;
}

namespace {

/// Anchors [begin, end) of one level, of all images of the batch.
struct Piece {
  std::size_t level = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Pieces that do not depend on how many threads share them, so that neither does their sum.
std::vector<Piece> pieces_of(const TeacherOutputs& teacher, std::size_t score_at) {
  constexpr std::size_t kAnchors = 4096;
  std::vector<Piece> pieces;
  for (std::size_t level = 0; level < teacher[score_at].size(); ++level) {
    const std::size_t count = teacher[score_at][level].size() / 2;
    for (std::size_t begin = 0; begin < count; begin += kAnchors) {
      pieces.push_back({level, begin, std::min(begin + kAnchors, count)});
    }
  }
  return pieces;
}

class PieceDistance {
 public:
  PieceDistance(const NetworkOutputs& student, const TeacherOutputs& teacher,
                std::span<const models::Head> heads, const LossCounts& counts,
                double smooth_l1_beta, const DistillationOptions& options)
      : student_(student),
        teacher_(teacher),
        heads_(heads),
        score_at_(models::score_head(heads)),
        scale_(1 / std::max(counts.positives, 1.0)),
        beta_(smooth_l1_beta),
        temperature_(static_cast<double>(options.temperature)),
        min_score_(static_cast<double>(options.min_score)),
        min_weight_(static_cast<double>(options.min_weight)) {
    for (const models::Head& head : heads) weights_.push_back(weight_of(head, options));
  }

  double add(const Piece& piece) const {
    double loss = 0;
    for (std::size_t anchor = piece.begin; anchor < piece.end; ++anchor) {
      loss += add_anchor(piece.level, anchor);
    }
    return loss;
  }

 private:
  double add_anchor(std::size_t level, std::size_t anchor) const {
    const auto margin_of = [&](const auto& values) {
      return static_cast<double>(values[2 * anchor + 1]) - static_cast<double>(values[2 * anchor]);
    };
    const double score_weight = weights_[score_at_] * scale_;
    const double margin = margin_of(student_[score_at_].values[level]) / temperature_;
    const double wanted = margin_of(teacher_[score_at_][level]) / temperature_;
    const double score = sigmoid(wanted);
    double loss = score_weight * temperature_ * temperature_ *
                  (softplus(margin) - softplus(wanted) - score * (margin - wanted));
    const auto slope = static_cast<float>(score_weight * temperature_ * (sigmoid(margin) - score));
    const std::span<float> gradients = student_[score_at_].gradients[level];
    gradients[2 * anchor] -= slope;
    gradients[2 * anchor + 1] += slope;
    const double q = sigmoid(wanted * temperature_);
    const double share = scale_ * (q >= min_score_ ? std::max(q, min_weight_) : min_weight_);
    if (share == 0) return loss;
    for (std::size_t h = 0; h < heads_.size(); ++h) {
      if (h == score_at_) continue;
      const auto size = static_cast<std::size_t>(heads_[h].values);
      const std::size_t first = anchor * size;
      const double weight = weights_[h] * share;
      loss += weight * smooth_l1(student_[h].values[level].data() + first,
                                 teacher_[h][level].data() + first, size, beta_, weight,
                                 student_[h].gradients[level].data() + first);
    }
    return loss;
  }

  const NetworkOutputs& student_;
  const TeacherOutputs& teacher_;
  std::span<const models::Head> heads_;
  std::size_t score_at_;
  std::vector<double> weights_;  ///< by head
  double scale_;
  double beta_;
  double temperature_;
  double min_score_;
  double min_weight_;
};

}  // namespace

double add_distillation_loss(const NetworkOutputs& student, const TeacherOutputs& teacher,
                             std::span<const models::Head> heads, const LossCounts& counts,
                             double smooth_l1_beta, const DistillationOptions& options,
                             int threads) {
  RF_CHECK(student.size() == heads.size() && teacher.size() == heads.size());
  for (std::size_t h = 0; h < heads.size(); ++h) {
    RF_CHECK(student[h].values.size() == teacher[h].size());
    for (std::size_t level = 0; level < teacher[h].size(); ++level) {
      RF_CHECK(student[h].values[level].size() == teacher[h][level].size());
    }
  }
  const PieceDistance distance(student, teacher, heads, counts, smooth_l1_beta, options);
  const std::vector<Piece> pieces = pieces_of(teacher, models::score_head(heads));
  std::vector<double> losses(pieces.size());
  for_each_item(threads, pieces.size(),
                [&](std::size_t i, std::size_t) { losses[i] = distance.add(pieces[i]); });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

}  // namespace retinaface::training
