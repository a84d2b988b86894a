#pragma once

#include "training/loss.h"
#include "training/teacher.h"

namespace retinaface::training {

/// How a network learns from another detector's outputs besides the annotations.
struct DistillationOptions {
  HeadWeights weights = {};  ///< 1 for heads that are not in it
  float min_score = 0.1F;    ///< anchors that the teacher scores lower teach their scores alone
  float temperature = 1;     ///< divides the margins of both before their scores are compared
  float min_weight = 0;      ///< with which any anchor teaches all heads, whatever its score
  bool mirrored = false;     ///< the teacher sees each image in a mirror too (Teacher)
  /// Of several teachers the number, from 1, of that of each level, finest first (Teachers).
  std::vector<int> teachers = {};
  std::vector<float> score_factor = {};  ///< of each teacher (TeacherOptions); empty: 1
  std::vector<float> score_shift = {};   ///< of each teacher; empty: 0

  bool operator==(const DistillationOptions&) const = default;
};

/// The weight of a head's term.
double weight_of(const models::Head& head, const DistillationOptions& options);

/// The student's distance from its teacher; its derivative by every output is added to the outputs'
/// gradients. With q the teacher's score of an anchor and p the student's, q_T and p_T what they
/// are once the differences of the two logits are divided by the temperature T,
///   L = w T^2 (1/P) sum of KL(q_T, p_T) over all anchors, for the head of scores,
///     + w (1/P) sum of v smooth-L1(difference of the values), for each other head,
/// where w is the head's weight, v is the greater of min_weight and, if that is at least min_score,
/// q, P the positives of the whole batch (at least 1) as the annotations have them, and smooth-L1
/// as compute_loss takes it. What a teacher gives where it sees no face says how it tells faces
/// from the rest: a high temperature and a small min_weight teach that as well. Up to `threads`
/// threads share the work; their number changes no bit of the result.
double add_distillation_loss(const NetworkOutputs& student, const TeacherOutputs& teacher,
                             std::span<const models::Head> heads, const LossCounts& counts,
                             double smooth_l1_beta, const DistillationOptions& options,
                             int threads = 1);

}  // namespace retinaface::training
