#pragma once

#include <cstddef>
#include <string>

#include "dataset/loader.h"

namespace retinaface::dataset {

/// What training can use of a set.
struct UsableFaces {
  std::size_t images = 0;
  std::size_t faces = 0;  ///< that are learnt: not ignored, their boxes have an area
  std::size_t ignored = 0;
  std::size_t empty = 0;       ///< of a box without area
  std::size_t far_points = 0;  ///< faces that lost their points because one of them is_far
  std::string example;         ///< an image with such a face
};

/// Counts, and takes their points from the faces that have one far from their box: a slip of the
/// annotation that a loss would follow for long. Such faces keep their boxes.
UsableFaces keep_usable(TrainingSet& set);

/// Whether nothing of a box with an area lies in an image of that size.
bool is_outside(const Box& box, int width, int height);

/// Whether a face that counts as usable lies in its image, at least in part. Looks at the images'
/// headers, where the annotations do not say the sizes, up to the first such face: in a sound set
/// at one. Images that cannot be read are passed over; true where none can.
bool any_face_inside(const TrainingSet& set);

}  // namespace retinaface::dataset
