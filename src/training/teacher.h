#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "retinaface/image.h"

#include "dataset/augmentation.h"
#include "models/catalogue.h"
#include "runtime/runtime.h"

namespace retinaface::training {

/// A teacher's outputs for some pictures, each level laid out as a HeadMaps' values.
struct TeacherOutputs {
  std::vector<std::vector<float>> cls;
  std::vector<std::vector<float>> box;
  std::vector<std::vector<float>> landmarks;
};

/// What a teacher would give for a picture, as it gave `outputs` for the mirrored one. The
/// picture's width is a multiple of every stride.
TeacherOutputs mirrored_back(const TeacherOutputs& outputs, const models::AnchorFamily& family,
                             std::int64_t height, std::int64_t width);

/// What a teacher would give for a picture of height x width, as it gave `enlarged` for the same
/// picture twice as large. An anchor's counterpart there is twice as large and lies at the same
/// place, or, where the grid is finer, is the mean of the four around it, whose offsets from it
/// cancel each other. Anchors without counterpart have their values from `otherwise`.
TeacherOutputs reduced(const TeacherOutputs& enlarged, TeacherOutputs otherwise,
                       const models::AnchorFamily& family, std::int64_t height, std::int64_t width);

/// The weighted mean of several looks at one picture: of the scores, and of boxes and points each
/// weighted by its score as well. The weights' sum is 1.
TeacherOutputs mean_of(std::span<const TeacherOutputs> looks, std::span<const double> weights);

/// A detector whose outputs another one learns to give (Hinton et al. 2015). It sees the pictures
/// as the other does, augmented.
class Teacher {
 public:
  /// Messages name the teacher by `source`. Throws Error(kBadData) when its anchors are others than
  /// the student's: their outputs could not be compared.
  Teacher(const models::LoadedModel& loaded, const models::Model& student,
          const std::string& source, int threads);

  /// Its outputs for the pictures, all of one size. With test-time augmentation they are means of
  /// what it gives for the picture, for the mirrored one, and, counted twice, for the mirrored one
  /// twice as large; the sides must then be multiples of every stride.
  TeacherOutputs look(std::span<const dataset::Sample> samples,
                      bool test_time_augmentation = false);

  /// What tells it from other teachers: its model, and a checksum of its weights.
  const std::string& description() const { return description_; }

 private:
  TeacherOutputs look_at(runtime::Session& session, const Image& picture) const;
  TeacherOutputs look_repeatedly(runtime::Session& session, runtime::Session& enlarged_session,
                                 const Image& picture) const;

  const models::Model& model_;
  std::shared_ptr<const runtime::Network> network_;
  /// One of each size, as a session prepares anew for another size.
  struct Sessions {
    std::unique_ptr<runtime::Session> same, enlarged;
  };
  std::vector<Sessions> sessions_;            ///< of the threads
  std::vector<models::HeadOutputs> outputs_;  ///< by level
  std::string description_;
};

}  // namespace retinaface::training
