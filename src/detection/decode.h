#pragma once

#include <span>
#include <vector>

#include "retinaface/detector.h"

#include "models/catalogue.h"
#include "runtime/runtime.h"

namespace retinaface::detection {

/// The heads of one level of a network's outputs (models::Model).
struct HeadMaps {
  runtime::FeatureMap cls;
  runtime::FeatureMap box;
  runtime::FeatureMap landmarks;
};

/// Appends a face, in pixels of the network's input, for each anchor whose score (softmax of the
/// two logits) is at least `min_score`. `levels` are in the order of `family.levels`.
void decode(std::span<const HeadMaps> levels, const models::AnchorFamily& family, float min_score,
            std::vector<Face>& faces);

}  // namespace retinaface::detection
