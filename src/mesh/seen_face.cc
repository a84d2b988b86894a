#include "mesh/seen_face.h"

#include "mesh/light.h"
#include "mesh/topology.h"

namespace retinaface::mesh {

SeenFace seen_face(const Decoder& decoder, const Parameters& parameters) {
  std::vector<Vector> vertices;
  decoder.shape(parameters.shape, vertices);
  const Camera camera(parameters.camera);
  SeenFace face;
  face.projected.reserve(vertices.size());
  for (Vector& vertex : vertices) {
    face.projected.push_back(project(camera, vertex));
    vertex = face.projected.back().turned;
  }
  face.normals = vertex_normals(vertices, topology().levels.front().triangles);
  return face;
}

}  // namespace retinaface::mesh
