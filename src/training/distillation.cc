#include "training/distillation.h"

#include <algorithm>

#include "base/check.h"
#include "training/loss_terms.h"

namespace retinaface::training {

double weight_of(const models::Head& head, const DistillationOptions& options) {
  const auto found = options.weights.find(head.name);
  return found != options.weights.end() ? static_cast<double>(found->second) : 1.0;
}

double add_distillation_loss(const NetworkOutputs& student, const TeacherOutputs& teacher,
                             std::span<const models::Head> heads, const LossCounts& counts,
                             double smooth_l1_beta, const DistillationOptions& options) {
  RF_CHECK(student.size() == heads.size() && teacher.size() == heads.size());
  const std::size_t score_at = models::score_head(heads);
  std::vector<double> weights;
  for (std::size_t h = 0; h < heads.size(); ++h) weights.push_back(weight_of(heads[h], options));
  const double scale = 1 / std::max(counts.positives, 1.0);
  const double score_weight = weights[score_at] * scale;
  const auto temperature = static_cast<double>(options.temperature);
  const auto min_score = static_cast<double>(options.min_score);
  const auto min_weight = static_cast<double>(options.min_weight);
  double loss = 0;
  for (std::size_t level = 0; level < teacher[score_at].size(); ++level) {
    const std::vector<float>& taught = teacher[score_at][level];
    const std::span<const float> logits = student[score_at].values[level];
    const std::span<float> gradients = student[score_at].gradients[level];
    RF_CHECK(taught.size() == logits.size());
    for (std::size_t anchor = 0; anchor < taught.size() / 2; ++anchor) {
      const auto margin_of = [&](const auto& values) {
        return static_cast<double>(values[2 * anchor + 1]) -
               static_cast<double>(values[2 * anchor]);
      };
      const double margin = margin_of(logits) / temperature;
      const double wanted = margin_of(taught) / temperature;
      const double score = sigmoid(wanted);
      loss += score_weight * temperature * temperature *
              (softplus(margin) - softplus(wanted) - score * (margin - wanted));
      const auto slope = static_cast<float>(score_weight * temperature * (sigmoid(margin) - score));
      gradients[2 * anchor] -= slope;
      gradients[2 * anchor + 1] += slope;
      const double q = sigmoid(wanted * temperature);
      const double share = scale * (q >= min_score ? std::max(q, min_weight) : min_weight);
      if (share == 0) continue;
      for (std::size_t h = 0; h < heads.size(); ++h) {
        if (h == score_at) continue;
        const auto size = static_cast<std::size_t>(heads[h].values);
        const std::size_t first = anchor * size;
        const double weight = weights[h] * share;
        loss += weight * smooth_l1(student[h].values[level].data() + first,
                                   teacher[h][level].data() + first, size, smooth_l1_beta, weight,
                                   student[h].gradients[level].data() + first);
      }
    }
  }
  return loss;
}

}  // namespace retinaface::training
