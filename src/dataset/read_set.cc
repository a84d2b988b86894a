#include "dataset/read_set.h"

#include "dataset/label_txt.h"
#include "dataset/point_label.h"
#include "dataset/text_lines.h"

namespace retinaface::dataset {

TrainingSet read_training_set(const std::filesystem::path& folder) {
  const std::filesystem::path labels = folder / "label.txt";
  const TextFile file(labels);
  const bool by_picture = file.lines().empty() || file.lines().front().text.starts_with('#');
  return {folder / "images", by_picture ? read_label_txt(labels) : read_point_label(labels)};
}

}  // namespace retinaface::dataset
