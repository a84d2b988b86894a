#include "evaluation/judged_meshes.h"

#include <utility>

#include "retinaface/error.h"
#include "retinaface/image.h"

#include "base/plain_file.h"
#include "evaluation/chosen_face.h"

namespace retinaface::evaluation {

std::vector<MeshLabelsOfImage> chosen_labels(std::vector<dataset::MeshLabel> labels, bool all,
                                             int every) {
  std::vector<MeshLabelsOfImage> images;
  std::size_t judged = 0;
  for (dataset::MeshLabel& label : labels) {
    if (!all && !label.is_test) continue;
    if (judged++ % static_cast<std::size_t>(every) != 0) continue;
    if (images.empty() || images.back().front().image != label.image) images.emplace_back();
    images.back().push_back(std::move(label));
  }
  return images;
}

JudgedMeshes judge_meshes(const MeshLabelsOfImage& labels, const std::filesystem::path& folder,
                          const FindFaces& find) {
  constexpr float kMinIou = 0.5F;
  try {
    expect_plain_file(folder / labels.front().image);
    const Image image = read_image(folder / labels.front().image, {.apply_orientation = false});
    const std::vector<Face> faces = find(image);
    JudgedMeshes judged;
    for (const dataset::MeshLabel& label : labels) {
      const Face* const face = best_face_on(faces, label.box, kMinIou);
      judged.errors.push_back(face == nullptr ? std::nullopt
                                              : std::optional(mesh_error(*face, image, label)));
    }
    return judged;
  } catch (const Error& error) {
    const bool is_of_image =
        error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kUnreadable ||
        error.code() == ErrorCode::kBadData || error.code() == ErrorCode::kTooLarge;
    if (!is_of_image) throw;
    return {.problem = error.what()};
  }
}

}  // namespace retinaface::evaluation
