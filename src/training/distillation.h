#pragma once

#include "training/loss.h"
#include "training/teacher.h"

namespace retinaface::training {

/// How a network learns from another detector's outputs besides the annotations.
struct DistillationOptions {
  float cls_weight = 1;
  float box_weight = 1;
  float landmarks_weight = 1;
  float least_score = 0.1F;  ///< anchors that the teacher scores lower teach no boxes and points
  bool test_time_augmentation = false;  ///< of the teacher, as Teacher::look has it

  bool operator==(const DistillationOptions&) const = default;
};

/// The student's distance from its teacher; its derivative by every output is added to the outputs'
/// gradients. With q the teacher's score of an anchor and p the student's,
///   L = w_cls (1/P) sum of KL(q, p) over all anchors
///     + w_box (1/P) sum of q smooth-L1(difference of the 4 box offsets)
///     + w_pts (1/P) sum of q smooth-L1(difference of the 10 landmark offsets)
/// the last two over the anchors with q >= least_score, P the positives of the whole batch (at
/// least 1) as the annotations have them, and smooth-L1 as compute_loss takes it.
double add_distillation_loss(const NetworkOutputs& student, const TeacherOutputs& teacher,
                             const LossCounts& counts, double smooth_l1_beta,
                             const DistillationOptions& options);

}  // namespace retinaface::training
