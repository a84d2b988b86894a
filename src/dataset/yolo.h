#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataset/annotation.h"
#include "dataset/category.h"
#include "dataset/label_files.h"
#include "dataset/loader.h"
#include "dataset/text_lines.h"

namespace retinaface::dataset {

/// One label file of YOLO's, its objects not yet chosen by category.
struct YoloImage {
  std::vector<AnnotatedFace> faces;
  std::vector<std::string> categories;  ///< the number of each face's class
};

/// Reads one file: a line per object, "CLASS x y width height" with the box's center and sides as
/// shares of the image's sides, and behind it, where there are points, five times
///   x y     as the faces of yolov5-face have them; negative where missing
///   x y v   as Ultralytics has them; v is 0 for missing, 1 for hidden, 2 for visible
/// `width` and `height` are the image's, in pixels. Throws Error(kBadData) with file and line.
YoloImage parse_yolo(const TextFile& file, int width, int height);

/// Where the label files and the images of a set are.
struct YoloFolders {
  std::filesystem::path labels;
  std::filesystem::path images;
};

/// `folder` with labels/ and images/ in it; or labels/ itself, or a folder in it (labels/train),
/// which belongs to the same place in images/. With `images` that is the folder of the images,
/// wherever it is. Empty paths where neither is so.
YoloFolders yolo_folders(const std::filesystem::path& folder,
                         const std::filesystem::path& images = {});

/// Reads all files *.txt below `folders.labels`; the image of a/b.txt is images/a/b with an
/// extension of an image. An image without such a file has no faces, as YOLO means it. The images'
/// sizes are read from their headers; labels without an image, or with one whose size cannot be
/// read, are left out and told (TrainingSet::left_out). Classes are called as classes.txt says, one
/// a line, or data.yaml under `names` (yolo_names.h), in labels/, beside it or above its part for
/// training; else by their numbers. Of several those chosen or named "face" are read (category.h).
/// Throws Error as read_file, parse_yolo, parse_yolo_names and check_named do.
TrainingSet read_yolo(const YoloFolders& folders, const ChosenCategories& chosen = {});

/// The lines of an image's label file, class 0; with Ultralytics' points where `points`. Ignored
/// faces have no place here, nor have attributes. The image's size must be known.
std::string format_yolo(const AnnotatedImage& image, bool points);

/// labels/PATH.txt of each image in the folder, its extension exchanged, and data.yaml, by which
/// Ultralytics' programs train. All lines are of one length: with points where any face of the set
/// has some. The images' sizes must be known. Throws Error as label_files.
std::vector<SetFile> formatted_yolo(const std::filesystem::path& folder, const AnnotationSet& set);

}  // namespace retinaface::dataset
