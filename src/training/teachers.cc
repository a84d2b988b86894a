#include "training/teachers.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/ranges.h>

#include "base/check.h"
#include "models/load_model.h"
#include "training/training_step.h"

namespace retinaface::training {
namespace {

std::string strides_of(const models::Model& student) {
  std::vector<std::int64_t> strides;
  for (const models::AnchorLevel& level : student.detector().anchors.levels) {
    strides.push_back(level.stride_px);
  }
  return fmt::format("{}", fmt::join(strides, ", "));
}

/// For each level the teacher's number from 0, as `distillation.teachers` has it from 1.
std::vector<std::size_t> teacher_by_level(const Recipe& recipe, const models::Model& student,
                                          std::size_t teachers) {
  const std::size_t levels = student.detector().anchors.levels.size();
  const std::vector<int>& chosen = recipe.distillation.teachers;
  std::vector<std::size_t> result;
  if (chosen.empty() && teachers == 1) {
    result.resize(levels, 0);
    return result;
  }
  for (const int number : chosen) {
    if (number < 1 || static_cast<std::size_t>(number) > teachers) break;
    result.push_back(static_cast<std::size_t>(number) - 1);
  }
  bool fits = result.size() == levels && chosen.size() == levels;
  for (std::size_t i = 0; i < teachers; ++i) fits = fits && std::ranges::count(result, i) > 0;
  if (!fits) {
    fail(ErrorCode::kBadData,
         "distillation.teachers: expected {} numbers from 1 to {}, for the strides {} of {} which "
         "--teacher each learns from, all of them used, found [{}]",
         levels, teachers, strides_of(student), student.name, fmt::join(chosen, ", "));
  }
  return result;
}

/// A teacher's own value of a list that has one for each, or none.
float value_of(const std::vector<float>& values, const char* key, std::size_t teacher,
               std::size_t teachers, float usual) {
  if (values.empty()) return usual;
  if (values.size() != teachers) {
    fail(ErrorCode::kBadData,
         "distillation.{}: expected {} numbers, one for each --teacher, found {}", key, teachers,
         values.size());
  }
  return values[teacher];
}

}  // namespace

Teachers::Teachers(const std::vector<std::string>& names, const Recipe& recipe, int threads,
                   const Engine& engine) {
  const models::Model& student = models::find_model(recipe.model);
  const DistillationOptions& options = recipe.distillation;
  const std::vector<std::size_t> by_level = teacher_by_level(recipe, student, names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    TeacherOptions own = {
        .mirrored = options.mirrored,
        .levels = {},
        .score_factor = value_of(options.score_factor, "score_factor", i, names.size(), 1),
        .score_shift = value_of(options.score_shift, "score_shift", i, names.size(), 0)};
    for (std::size_t level = 0; level < by_level.size(); ++level) {
      if (by_level[level] == i) own.levels.push_back(level);
    }
    teachers_.push_back(std::make_unique<Teacher>(models::load_model_by_name_or_path(names[i]),
                                                  student, names[i], threads, std::move(own),
                                                  engine, usable_arithmetic(recipe, engine)));
  }
}

Teachers::Teachers(std::unique_ptr<Teacher> teacher) {
  teachers_.push_back(std::move(teacher));
}

TeacherOutputs Teachers::predict(std::span<const dataset::Sample> samples) {
  TeacherOutputs outputs = teachers_.front()->predict(samples);
  for (const auto& teacher : std::span(teachers_).subspan(1)) {
    TeacherOutputs own = teacher->predict(samples);
    for (std::size_t h = 0; h < own.size(); ++h) {
      for (std::size_t level = 0; level < own[h].size(); ++level) {
        if (!own[h][level].empty()) outputs[h][level] = std::move(own[h][level]);
      }
    }
  }
  return outputs;
}

std::string Teachers::description() const {
  std::string text;
  for (const auto& teacher : teachers_) {
    text += (text.empty() ? "" : ", ") + teacher->description();
  }
  return text;
}

}  // namespace retinaface::training
