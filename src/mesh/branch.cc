#include "mesh/branch.h"

#include <algorithm>
#include <vector>

#include "mesh/refine.h"
#include "mesh/topology.h"

namespace retinaface::mesh {

Branch::Branch(const graph::Weights& weights, std::size_t kinds, std::size_t features,
               const std::string& source)
    : decoder_(weights, source), head_(weights, kinds, features, source) {}

FaceMesh Branch::mesh(std::size_t kind, std::span<const float> features, const Face& face,
                      const ImageView& image) const {
  Parameters parameters = head_.evaluate(kind, features, face);
  const Frame frame = mesh_frame(face.box);
  refine_colors(decoder_, image, frame, parameters);
  return mesh_of(decoder_, parameters, frame);
}

FaceMesh mesh_of(const Decoder& decoder, const Parameters& parameters, const Frame& frame) {
  std::vector<Vector> vertices;
  std::vector<Vector> albedo;
  decoder.shape(parameters.shape, vertices);
  decoder.texture(parameters.texture, albedo);
  const Camera camera(parameters.camera);
  const Light light(parameters.light);
  FaceMesh mesh;
  mesh.pose = pose_of(camera.rotation);
  mesh.vertices.reserve(vertices.size());
  for (Vector& vertex : vertices) {
    const Projected p = project(camera, vertex);
    mesh.vertices.push_back({frame.x0 + frame.side * p.u, frame.y0 + frame.side * p.v,
                             -frame.side * camera.scale * p.turned.z});
    vertex = p.turned;
  }
  const std::vector<Vector> normals = vertex_normals(vertices, topology().levels.front().triangles);
  const auto share = [](float value) { return std::clamp(value, 0.0F, 1.0F); };
  mesh.colors.reserve(vertices.size());
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    const Vector factor = shading(light, lit_share(light, vertices[i], normals[i]));
    mesh.colors.push_back({share(albedo[i].x * factor.x), share(albedo[i].y * factor.y),
                           share(albedo[i].z * factor.z)});
  }
  return mesh;
}

}  // namespace retinaface::mesh
