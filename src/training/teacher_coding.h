#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "detection/anchors.h"
#include "models/catalogue.h"

namespace retinaface::training {

/// How a teacher's outputs become those that its student would give for the same scores, boxes and
/// landmarks. Both have the same grids, with as many anchors in a cell, and heads of the same
/// meanings; where in its cell an anchor lies, how large it is and how offsets are coded against it
/// may differ: an anchor of the student learns from the teacher's of the same cell and number.
class TeacherCoding {
 public:
  /// Throws Error(kBadData), beginning with `source`, for a teacher with other grids or heads.
  TeacherCoding(const models::Model& teacher, const models::Model& student,
                const std::string& source);

  const models::DetectorSpec& student() const { return student_; }

  /// Whether both code alike, so that outputs stay as they are.
  bool is_identity() const { return identity_; }

  /// The student's values of a head on a level of `grid` from the teacher's, both of any number of
  /// images, one after the other: rows of anchors, cell by cell. Logits and other values stay as
  /// they are; boxes are at least a pixel wide and high.
  std::vector<float> recode(std::size_t level, const detection::Grid& grid, std::size_t head,
                            std::span<const float> values) const;

 private:
  void recode_anchor(std::size_t head, const detection::Anchor& from, const detection::Anchor& to,
                     std::span<const float> values, std::span<float> target) const;

  models::DetectorSpec teacher_;
  models::DetectorSpec student_;
  bool identity_;
};

}  // namespace retinaface::training
