#include "dataset/mtfl_txt.h"

namespace retinaface::dataset {

std::vector<PosedFace> read_mtfl_txt(const std::filesystem::path& path) {
  return parse_mtfl_txt(TextFile(path));
}

std::vector<PosedFace> parse_mtfl_txt(const TextFile& file) {
  std::vector<PosedFace> faces;
  for (const TextLine& line : file.lines()) {
    const std::size_t space = std::min(line.text.find_first_of(" \t"), line.text.size());
    const std::vector<float> numbers =
        line.numbers_in(line.text.substr(space), "five points and a pose");
    PosedFace& face = faces.emplace_back();
    face.path = line.text.substr(0, space);
    if (numbers.size() != 2 * face.landmarks.size() + 1) {
      line.reject("expected a name, five points and a pose, found {} numbers", numbers.size());
    }
    for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
      face.landmarks[k] = line.point(numbers[2 * k], numbers[2 * k + 1]);
    }
    const float pose = numbers.back();
    if (pose < 1 || pose > 5 || pose != std::floor(pose)) {
      line.reject("expected a pose from 1 to 5, found {}", pose);
    }
    face.pose = static_cast<PoseClass>(static_cast<int>(pose));
  }
  return faces;
}

}  // namespace retinaface::dataset
