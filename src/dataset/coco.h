#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "dataset/annotation.h"
#include "dataset/category.h"

namespace retinaface::dataset {

/// Reads COCO's JSON of object boxes: "images" (id, file_name, and width and height where given),
/// "annotations" (image_id, category_id, bbox as x y width height, and where given iscrowd and
/// keypoints) and "categories". Crowds are ignored faces. Keypoints are five in the order of
/// Landmarks, x y v each: v 0 missing, 1 hidden, 2 visible. Of several categories those
/// chosen or named "face" are read (category.h). "retinaface" of an annotation holds what COCO has
/// no place for, as format_coco puts it there. Coordinates are taken as they are: COCO's boxes are
/// half-open, as ours. `name` stands in for the path in messages. Throws Error(kBadData) with it
/// and the place: the line where it is no JSON, else the element, e.g. "annotations[3]".
AnnotationSet parse_coco(std::span<const std::byte> content, const std::string& name,
                         const ChosenCategories& chosen = {});

/// Writes the same, one category "face", one line an element; attributes, quality and the score of
/// the points go into "retinaface" where they are not the usual ones. Coordinates have two digits
/// after the point. Sizes that are not known are left out. `name` stands for the file in messages.
/// Throws Error(kUnsupported) when an image's path is not UTF-8.
std::string format_coco(const AnnotationSet& set, const std::string& name);

}  // namespace retinaface::dataset
