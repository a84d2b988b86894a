#pragma once

#include <filesystem>
#include <string_view>

#include "dataset/category.h"
#include "dataset/loader.h"

namespace retinaface::dataset {

/// How annotations are written.
enum class SetFormat {
  kLabelTxt,  ///< RetinaFace's label.txt (label_txt.h)
  kWider,     ///< WIDER FACE's wider_face_*_bbx_gt.txt (wider_bbx_gt.h)
  kCoco,      ///< COCO's JSON (coco.h)
  kVoc,       ///< Pascal VOC's XML, one file an image (voc.h)
  kYolo,      ///< YOLO's labels/*.txt, one file an image (yolo.h)
  kPoints,    ///< five points and no box, as MTFL has them (point_label.h)
};

/// "label", "wider", "coco", "voc", "yolo" or "points".
std::string_view name_of(SetFormat format);

/// A set as it was found on disk.
struct FoundSet {
  SetFormat format = SetFormat::kLabelTxt;
  std::filesystem::path source;  ///< the file of the annotations; VOC's folder, YOLO's labels/
  TrainingSet set;
};

/// Reads annotations of any of the formats.
///   a file     told by its content
///   a folder   in which stand, the first that does: label.txt; VOC's Annotations/;
///              wider_face_*_bbx_gt.txt, also in wider_face_split/; *.json, also in annotations/;
///              labels/ beside images/; *.xml. Or YOLO's labels/, or a folder in it.
/// The folder of the images is that of the usual ones (images/, JPEGImages/, the annotations'
/// own, those beside it, WIDER_train/images/, train2017/ and the like) which holds one of the first
/// images; else images/ beside the annotations. With `images` it is that one, whatever stands
/// beside the annotations.
/// `chosen` says which categories are faces in the formats that have some (category.h); the others
/// hold faces alone. Throws Error as the readers do; kNotFound for a folder without annotations,
/// kBadData when several files could be meant, the format is none of these, or no image is
/// annotated.
FoundSet read_set(const std::filesystem::path& path, const ChosenCategories& chosen = {},
                  const std::filesystem::path& images = {});

/// The same, for those who want no more than images and faces.
TrainingSet read_training_set(const std::filesystem::path& path,
                              const ChosenCategories& chosen = {});

}  // namespace retinaface::dataset
