#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "retinaface/image.h"

#include "dataset/annotation.h"
#include "dataset/check_annotations.h"

namespace retinaface::dataset {

/// One entry of a set together with its image.
struct CheckedImage {
  std::vector<FoundDefect> defects;
  Image image;  ///< as stored, which annotations are on; empty where it cannot be read
};

/// What is wrong with an entry, its image read below `images`: the image itself, its size, and
/// check_faces.
CheckedImage check_image(const std::filesystem::path& images, const AnnotatedImage& annotated);

/// Draws the entry's faces on its image, those that are ignored in gray.
void draw_annotations(const AnnotatedImage& annotated, Image& image);

/// By entry, whether it is among `count` of those that have faces, taken evenly from the set.
std::vector<bool> chosen_for_drawing(const AnnotationSet& set, std::size_t count);

}  // namespace retinaface::dataset
