#include "training/distillation.h"

#include <algorithm>

#include "base/check.h"
#include "training/loss_terms.h"

namespace retinaface::training {

double add_distillation_loss(const NetworkOutputs& student, const TeacherOutputs& teacher,
                             const LossCounts& counts, double smooth_l1_beta,
                             const DistillationOptions& options) {
  const double scale = 1 / std::max(counts.positives, 1.0);
  const auto cls_weight = static_cast<double>(options.cls_weight) * scale;
  const auto temperature = static_cast<double>(options.temperature);
  const auto min_score = static_cast<double>(options.min_score);
  const auto min_weight = static_cast<double>(options.min_weight);
  double loss = 0;
  for (std::size_t level = 0; level < teacher.cls.size(); ++level) {
    const std::vector<float>& taught = teacher.cls[level];
    const std::span<const float> logits = student.cls.values[level];
    RF_CHECK(taught.size() == logits.size());
    const auto term = [&](const HeadBatch& head, const std::vector<float>& wanted,
                          std::size_t anchor, std::size_t width, double weight) {
      const std::size_t first = anchor * width;
      return weight * smooth_l1(head.values[level].data() + first, wanted.data() + first, width,
                                smooth_l1_beta, weight, head.gradients[level].data() + first);
    };
    for (std::size_t anchor = 0; anchor < taught.size() / 2; ++anchor) {
      const auto margin_of = [&](const auto& values) {
        return static_cast<double>(values[2 * anchor + 1]) -
               static_cast<double>(values[2 * anchor]);
      };
      const double margin = margin_of(logits) / temperature;
      const double wanted = margin_of(taught) / temperature;
      const double score = sigmoid(wanted);
      loss += cls_weight * temperature * temperature *
              (softplus(margin) - softplus(wanted) - score * (margin - wanted));
      const auto slope = static_cast<float>(cls_weight * temperature * (sigmoid(margin) - score));
      student.cls.gradients[level][2 * anchor] -= slope;
      student.cls.gradients[level][2 * anchor + 1] += slope;
      const double q = sigmoid(wanted * temperature);
      const double weight = scale * (q >= min_score ? std::max(q, min_weight) : min_weight);
      if (weight == 0) continue;
      loss += term(student.box, teacher.box[level], anchor, 4,
                   static_cast<double>(options.box_weight) * weight);
      loss += term(student.landmarks, teacher.landmarks[level], anchor, 10,
                   static_cast<double>(options.landmarks_weight) * weight);
    }
  }
  return loss;
}

}  // namespace retinaface::training
