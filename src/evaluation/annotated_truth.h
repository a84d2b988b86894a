#pragma once

#include <string>

#include "dataset/loader.h"
#include "evaluation/wider_files.h"
#include "evaluation/wider_ground_truth.h"

namespace retinaface::evaluation {

/// Annotations of any form in the terms of WIDER's protocol: one event; in all subsets all faces
/// count that are not ignored.
struct AnnotatedTruth {
  WiderGroundTruth truth;
  WiderFiles files;  ///< of all images
};

/// Throws Error(kBadData), `name` first, where no face counts, which leaves nothing to judge by.
AnnotatedTruth truth_of(const dataset::TrainingSet& set, const std::string& name);

/// The faces of one image.
WiderImage to_wider_image(const std::string& name, std::span<const dataset::AnnotatedFace> faces);

}  // namespace retinaface::evaluation
