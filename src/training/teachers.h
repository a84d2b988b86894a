#pragma once

#include <memory>
#include <string>
#include <vector>

#include "training/recipe.h"
#include "training/teacher.h"

namespace retinaface::training {

/// The detectors that a network learns from: each level of its pyramid has one of them, as a
/// recipe's [distillation] says.
class Teachers {
 public:
  /// Those called `names`, of models or files. Throws what load_model_by_name_or_path and Teacher
  /// throw, and Error(kBadData) for a [distillation] that does not fit them.
  Teachers(const std::vector<std::string>& names, const Recipe& recipe, int threads,
           const Engine& engine = {});

  /// One for all levels.
  explicit Teachers(std::unique_ptr<Teacher> teacher);

  /// As Teacher's: each level by its teacher.
  TeacherOutputs predict(std::span<const dataset::Sample> samples);

  /// What tells them from others.
  std::string description() const;

 private:
  std::vector<std::unique_ptr<Teacher>> teachers_;
};

}  // namespace retinaface::training
