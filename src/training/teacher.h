#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataset/augmentation.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/runtime.h"

namespace retinaface::training {

/// A teacher's outputs for some images, each level laid out as a HeadBatch' values.
struct TeacherOutputs {
  std::vector<std::vector<float>> cls;
  std::vector<std::vector<float>> box;
  std::vector<std::vector<float>> landmarks;
};

/// A detector whose outputs another one learns to give (Hinton et al. 2015). It sees the images
/// as the other does, augmented.
class Teacher {
 public:
  /// Messages name the teacher by `source`. If `mirrored`, its outputs are the means of what it
  /// gives for an image and, brought back, for the image in a mirror. Throws Error(kBadData)
  /// when its anchors are others than the student's: their outputs could not be compared.
  Teacher(const models::LoadedModel& loaded, const models::Model& student,
          const std::string& source, int threads, bool mirrored = false);

  /// Its outputs for the images, all of one size; if mirrored, a multiple of the largest stride
  /// wide, so that a mirror brings anchors onto anchors.
  TeacherOutputs predict(std::span<const dataset::Sample> samples);

  /// What tells it from other teachers: its model, and a checksum of its weights.
  const std::string& description() const { return description_; }

 private:
  const models::Model& model_;
  bool mirrored_;
  std::shared_ptr<const runtime::Network> network_;
  std::vector<std::unique_ptr<runtime::Session>> sessions_;  ///< of the threads
  std::vector<models::HeadOutputs> outputs_;                 ///< by level
  std::string description_;
};

}  // namespace retinaface::training
