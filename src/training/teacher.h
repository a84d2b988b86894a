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
/// HeadBatch's values of the student; empty where nothing is taught.
using TeacherOutputs = std::vector<std::vector<std::vector<float>>>;

/// What a teacher teaches.
struct TeacherOptions {
  bool mirrored = false;  ///< the mean of what it gives for an image and its mirror image
  std::vector<std::size_t> levels{};  ///< of the pyramid, the finest is 0; empty: all
  /// It teaches `factor` times its score's logit, and `shift` more: teachers of different levels
  /// must mean the same by a score, since faces of all levels are ranked together.
  float score_factor = 1;
  float score_shift = 0;
};

/// A detector whose outputs another one learns to give (Hinton et al. 2015). It sees the images
/// as the other does, augmented, but clear where the other's are degraded (Xie et al. 2020, noisy
/// student).
class Teacher {
 public:
  /// Messages name the teacher by `source`. Throws Error(kBadData) when its grids or heads are
  /// others than the student's (teacher_coding.h): their outputs could not be compared. With the
  /// default engine it is a detector's runtime, on `threads` threads, in float32; with another one
  /// that engine's network, in `type`.
  Teacher(const models::LoadedModel& loaded, const models::Model& student,
          const std::string& source, int threads, TeacherOptions options = {},
          const Engine& engine = {}, graph::DataType type = graph::DataType::kFloat32);

  /// Its outputs for the images, all of one size, of a degraded one for Sample::clear; if mirrored,
  /// a multiple of the largest stride wide, so that a mirror brings anchors onto anchors.
  TeacherOutputs predict(std::span<const dataset::Sample> samples);

  ~Teacher();

  /// What tells it from other teachers: its model, and a checksum of its weights.
  const std::string& description() const { return description_; }

 private:
  class Runner;
  class SessionRunner;
  class NetworkRunner;

  /// Its outputs for the images as they are, in the student's coding.
  TeacherOutputs seen(const std::vector<ImageView>& images);
  /// Takes the mean of these and of those of the images in a mirror, of that width.
  void average_mirrored(const TeacherOutputs& mirrored, std::int64_t width,
                        TeacherOutputs& outputs) const;
  /// Its outputs in the student's coding, of images of that size.
  TeacherOutputs recoded(const TeacherOutputs& outputs, std::int64_t height,
                         std::int64_t width) const;

  void rescale_scores(TeacherOutputs& outputs) const;

  models::DetectorSpec detector_;
  TeacherCoding coding_;
  TeacherOptions options_;  ///< levels ascending, none twice
  int threads_;
  std::unique_ptr<Runner> runner_;
  std::vector<std::vector<std::size_t>> outputs_;  ///< by level, by head
  std::string description_;
};

}  // namespace retinaface::training
