#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataset/augmentation.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "training/engine.h"
#include "training/teacher_coding.h"

namespace retinaface::training {

/// A teacher's outputs for some images, by head and level, each laid out and coded as a
/// HeadBatch's values of the student.
using TeacherOutputs = std::vector<std::vector<std::vector<float>>>;

/// A detector whose outputs another one learns to give (Hinton et al. 2015). It sees the images
/// as the other does, augmented.
class Teacher {
 public:
  /// Messages name the teacher by `source`. If `mirrored`, its outputs are the means of what it
  /// gives for an image and, brought back, for the image in a mirror. Throws Error(kBadData)
  /// when its grids or heads are others than the student's (teacher_coding.h): their outputs could
  /// not be compared; Error(kUnsupported) where `mirrored` asks that of a teacher of another
  /// coding. With the default engine it is a detector's runtime, on `threads` threads, in float32;
  /// with another one that engine's network, in `precision`.
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

  /// What predict gives of images of that size, from the teacher's own outputs.
  TeacherOutputs recoded(const TeacherOutputs& outputs, std::int64_t height,
                         std::int64_t width) const;

  models::DetectorSpec detector_;
  TeacherCoding coding_;
  bool mirrored_;
  int threads_;
  std::unique_ptr<Runner> runner_;
  std::vector<std::vector<std::size_t>> outputs_;  ///< by level, by head
  std::string description_;
};

}  // namespace retinaface::training
