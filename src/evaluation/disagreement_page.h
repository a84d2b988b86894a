#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "evaluation/comparison.h"
#include "evaluation/wider_files.h"

namespace retinaface::evaluation {

/// The page, in its folder, that shows the images in which detectors differ.
std::filesystem::path disagreement_page(const std::filesystem::path& folder);

/// Draws the images in which the detectors differ most, at most `max_images`, as each sees them,
/// into `folder`, which is made, and writes the page that shows them. `sources` are the detectors',
/// in the order of `detectors`; `images` are their files. Returns how many images were drawn.
/// Throws Error as reading and writing images does.
std::size_t write_disagreements(const std::filesystem::path& folder, const WiderGroundTruth& truth,
                                const WiderFiles& images, std::span<const DetectionSource> sources,
                                std::span<const ComparedDetector> detectors,
                                const Comparison& comparison, std::size_t max_images,
                                const Progress& progress = {});

}  // namespace retinaface::evaluation
