#pragma once

#include <span>
#include <vector>

#include "retinaface/detector.h"

#include "models/catalogue.h"
#include "runtime/runtime.h"

namespace retinaface::detection {

/// The maps of one level of a network's outputs, by head.
using HeadMaps = std::vector<runtime::FeatureMap>;

/// Appends a face, in pixels of the network's input, for each anchor whose score (softmax of the
/// two logits) is at least `min_score`; each head gives it what its meaning says. `levels` are in
/// the order of `family.levels`, their maps in that of `heads`.
void decode(std::span<const HeadMaps> levels, const models::AnchorFamily& family,
            std::span<const models::Head> heads, float min_score, std::vector<Face>& faces);

}  // namespace retinaface::detection
