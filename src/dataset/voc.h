#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "dataset/annotation.h"
#include "dataset/category.h"
#include "dataset/label_files.h"

namespace retinaface::dataset {

/// One XML file of Pascal VOC's, its objects not yet chosen by category.
struct VocImage {
  AnnotatedImage image;                 ///< its path is the file's <filename>
  std::vector<std::string> categories;  ///< <name> of each of the image's faces
};

/// Reads one file: <annotation> with <filename>, <size> where given, and <object>s with <name>,
/// <bndbox> and, where given, <difficult>, which makes an ignored face. VOC counts pixels from 1
/// and its boxes hold their last pixel: xmin = 1 and xmax = width span the image. `name` stands
/// in for the path in messages. Throws Error(kBadData) with file and line.
VocImage parse_voc(std::span<const std::byte> content, const std::string& name);

/// The same as a set of one image, of whose categories those chosen or named "face" are read
/// (category.h).
AnnotationSet parse_voc_set(std::span<const std::byte> content, const std::string& name,
                            const ChosenCategories& chosen);

/// Reads all files *.xml below a folder in the order of their paths. An image's path is its XML
/// file's folder, relative to `folder`, and <filename>. Categories as in parse_voc_set. Throws
/// Error as read_file and parse_voc do, and kNotFound for a folder without such files.
AnnotationSet read_voc(const std::filesystem::path& folder, const ChosenCategories& chosen = {});

/// Writes the XML file of an image. What VOC has no place for (points, attributes, quality, the
/// score of the points) goes into an element <retinaface>, which read_voc reads and others skip.
/// Coordinates have two digits after the point.
std::string format_voc(const AnnotatedImage& image);

/// FOLDER/PATH.xml of each image. Throws Error as label_files.
std::vector<SetFile> formatted_voc(const std::filesystem::path& folder, const AnnotationSet& set);

}  // namespace retinaface::dataset
