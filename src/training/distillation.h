#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataset/augmentation.h"
#include "models/catalogue.h"
#include "runtime/runtime.h"
#include "training/loss.h"

namespace retinaface::training {

/// How a network learns from another detector's outputs besides the annotations.
struct DistillationOptions {
  float cls_weight = 1;
  float box_weight = 1;
  float landmarks_weight = 1;
  float least_score = 0.1F;  ///< anchors that the teacher scores lower teach no boxes and points

  bool operator==(const DistillationOptions&) const = default;
};

/// A teacher's outputs for some pictures, each level laid out as a HeadMaps' values.
struct TeacherOutputs {
  std::vector<std::vector<float>> cls;
  std::vector<std::vector<float>> box;
  std::vector<std::vector<float>> landmarks;
};

/// A detector whose outputs another one learns to give (Hinton et al. 2015). It sees the pictures
/// as the other does, augmented.
class Teacher {
 public:
  /// Messages name the teacher by `source`. Throws Error(kBadData) when its anchors are others than
  /// the student's: their outputs could not be compared.
  Teacher(const models::LoadedModel& loaded, const models::Model& student,
          const std::string& source, int threads);

  /// Its outputs for the pictures, all of one size.
  TeacherOutputs look(std::span<const dataset::Sample> samples);

  /// What tells it from other teachers: its model, and a checksum of its weights.
  const std::string& description() const { return description_; }

 private:
  const models::Model& model_;
  std::shared_ptr<const runtime::Network> network_;
  std::vector<std::unique_ptr<runtime::Session>> sessions_;  ///< of the threads
  std::vector<models::HeadOutputs> outputs_;                 ///< by level
  std::string description_;
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
