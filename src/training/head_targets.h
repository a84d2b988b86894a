#pragma once

#include <span>

#include "dataset/annotation.h"
#include "detection/anchors.h"
#include "models/catalogue.h"

namespace retinaface::training {

/// Whether an annotated face says what a head has to learn: a box that is no estimate, all five
/// landmarks of at least `min_points_score`, values under the head's name. Of scores, always.
bool has_target(const models::Head& head, const dataset::AnnotatedFace& face,
                float min_points_score);

/// What the head has to give at the anchor for a face that has_target, but for scores, into
/// `target`, of head.values values: as detection/head_coding.h codes them. Throws Error(kBadData)
/// where a face has another number of values than the head.
void encode_target(const models::Head& head, const detection::Anchor& anchor,
                   const dataset::AnnotatedFace& face, const models::AnchorFamily& family,
                   std::span<float> target);

}  // namespace retinaface::training
