#include "mesh/branch.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "mesh/refine.h"

namespace retinaface::mesh {

Branch::Branch(const graph::Weights& weights, std::size_t kinds, std::size_t features,
               const std::string& source)
    : decoder_(weights, source), head_(weights, kinds, features, source) {
  for (const auto& [name, tensor] : weights.tensors) {
    const graph::Tensor numbers = graph::as_float32(tensor);
    if (!std::ranges::all_of(numbers.values(), [](float value) { return std::isfinite(value); })) {
      fail(ErrorCode::kBadData, "{}: tensor {}: expected finite numbers", source, excerpt(name));
    }
  }
}

FaceMesh Branch::mesh(std::size_t kind, std::span<const float> features, const Face& face,
                      const ImageView& image, bool refine) const {
  Parameters parameters = head_.evaluate(kind, features, face);
  const Frame frame = mesh_frame(face.box);
  const SeenFace seen = seen_face(decoder_, parameters);
  refine_colors(decoder_, image, frame, seen, parameters);
  if (!refine) return mesh_of(decoder_, parameters, frame, seen);
  parameters = image_fit()(image, frame, parameters);
  return mesh_of(decoder_, parameters, frame, seen_face(decoder_, parameters));
}

const ImageFit& Branch::image_fit() const {
  std::call_once(image_fit_once_, [&] { image_fit_ = std::make_unique<ImageFit>(decoder_); });
  return *image_fit_;
}

FaceMesh mesh_of(const Decoder& decoder, const Parameters& parameters, const Frame& frame,
                 const SeenFace& seen) {
  std::vector<Vector> albedo;
  decoder.texture(parameters.texture, albedo);
  const Camera camera(parameters.camera);
  const Light light(parameters.light);
  const auto share = [](float value) { return std::clamp(value, 0.0F, 1.0F); };
  FaceMesh mesh;
  mesh.pose = pose_of(camera.rotation);
  mesh.vertices.reserve(albedo.size());
  mesh.colors.reserve(albedo.size());
  for (std::size_t i = 0; i < albedo.size(); ++i) {
    const Projected& p = seen.projected[i];
    mesh.vertices.push_back({frame.x0 + frame.side * p.u, frame.y0 + frame.side * p.v,
                             -frame.side * camera.scale * p.turned.z});
    const Vector factor = shading(light, lit_share(light, p.turned, seen.normals[i]));
    mesh.colors.push_back({share(albedo[i].x * factor.x), share(albedo[i].y * factor.y),
                           share(albedo[i].z * factor.z)});
  }
  return mesh;
}

}  // namespace retinaface::mesh
