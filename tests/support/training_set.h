#pragma once

#include <filesystem>

#include <fmt/format.h>

#include "base/random.h"
#include "dataset/augmentation.h"
#include "dataset/label_txt.h"
#include "dataset/write_set.h"
#include "support/testing.h"

namespace retinaface::testing {

/// Writes a small set to train on: `images` squares of `side_px` cut from the sample crowd around
/// faces of many sizes, as images/ and label.txt. Faces below `min_face_px` are ignored.
inline void write_training_set(const std::filesystem::path& folder, int images, int side_px,
                               float min_face_px) {
  dataset::Sample crowd;
  for (const auto& annotated : dataset::read_label_txt(sample_folder() / "label.txt")) {
    if (annotated.path == "crowd.webp") crowd.faces = annotated.faces;
  }
  crowd.image = read_image(sample_folder() / "crowd.webp");
  const auto side = static_cast<float>(side_px);
  const dataset::CropOptions options = {
      .min_side = 0.05F, .around_face = 1, .min_face_px = side / 8, .max_face_px = side / 2};
  dataset::AnnotationSet set;
  std::filesystem::create_directories(folder / "images");
  for (int i = 0; i < images; ++i) {
    Random random = Random::of(1, i);
    const Box square = dataset::choose_crop(crowd.image.width(), crowd.image.height(), crowd.faces,
                                            options, side_px, random);
    dataset::Sample sample = dataset::crop(crowd, square, side_px);
    dataset::ignore_small_faces(sample.faces, min_face_px);
    const std::string name = fmt::format("{}.png", i);
    write_image(folder / "images" / name, sample.image);
    set.push_back({name, sample.faces});
  }
  dataset::write_set(folder / "label.txt", dataset::SetFormat::kLabelTxt, set);
}

}  // namespace retinaface::testing
