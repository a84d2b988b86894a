#pragma once

#include <vector>

#include "retinaface/face.h"

namespace retinaface::detection {

/// Points and surroundings of fainter faces are too vague to tell what is none.
constexpr float kMinJudgedScore = 0.5F;

/// Removes those of `faces`, which are sorted by falling score, whose points show that they are no
/// face of their own. Thresholds were chosen on 153 held-out training images: of 811 faces they
/// cost none, of 77 false ones they remove two, and most of those in regular patterns
/// (reports/accuracy.md, Between two faces).
///
/// - Between two: the left eye and corner of the mouth lie on one better face, the right ones on
///   another; or they are those of one face of a score from 0.9 on, and the right ones those of
///   another, however sure it is itself.
/// - The same face twice: four fifths of the smaller box lie in the larger, and the points of both
///   are close to each other.
/// - Spread: a pattern that resembles a face mostly has its points farther apart, for its box, than
///   a face has.
///
/// Scores below kMinJudgedScore and boxes under 40 px are left alone: points of so faint and so
/// small faces are too vague to tell.
void drop_implausible(std::vector<Face>& faces);

}  // namespace retinaface::detection
