#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataset/augmentation.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "training/engine.h"

namespace retinaface::training {

/// A teacher's outputs for some images, by head and level, each laid out as a HeadBatch's values.
using TeacherOutputs = std::vector<std::vector<std::vector<float>>>;

/// A detector whose outputs another one learns to give (Hinton et al. 2015). It sees the images
/// as the other does, augmented.
class Teacher {
 public:
  /// Messages name the teacher by `source`. If `mirrored`, its outputs are the means of what it
  /// gives for an image and, brought back, for the image in a mirror. Throws Error(kBadData)
  /// when its anchors or heads are others than the student's: their outputs could not be compared.
  /// With the default engine it is a detector's runtime, on `threads` threads, in float32; with
  /// another one that engine's network, in `precision`.
  Teacher(const models::LoadedModel& loaded, const models::Model& student,
          const std::string& source, int threads, bool mirrored = false, const Engine& engine = {},
          runtime::Precision precision = runtime::Precision::kFloat32);

  /// Its outputs for the images, all of one size; if mirrored, a multiple of the largest stride
  /// wide, so that a mirror brings anchors onto anchors.
  TeacherOutputs predict(std::span<const dataset::Sample> samples);

  ~Teacher();

  /// What tells it from other teachers: its model, and a checksum of its weights.
  const std::string& description() const { return description_; }

 private:
  class Runner;
  class SessionRunner;
  class NetworkRunner;

  const models::Model& model_;
  bool mirrored_;
  int threads_;
  std::unique_ptr<Runner> runner_;
  std::vector<std::vector<std::size_t>> outputs_;  ///< by level, by head
  std::string description_;
};

}  // namespace retinaface::training
