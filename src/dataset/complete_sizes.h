#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "dataset/loader.h"

namespace retinaface::dataset {

/// Whether the annotations say how large the image is.
bool has_size(const AnnotatedImage& image);

/// Takes the sizes that the annotations do not say from the images' headers, by several threads.
/// Returns how many images could not be read; `report` is told why. `progress` counts those whose
/// size was unknown. Both are called in the set's order, by one thread at a time.
std::size_t complete_sizes(
    TrainingSet& set, int threads, const std::function<void(const std::string& problem)>& report,
    const std::function<void(std::size_t done, std::size_t of)>& progress = {});

}  // namespace retinaface::dataset
