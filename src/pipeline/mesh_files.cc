#include "pipeline/mesh_files.h"

#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/origin_seal.h"
#include "base/part_file.h"
#include "base/plain_file.h"
#include "pipeline/image_outputs.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

fs::path folder_of_meshes(const fs::path& folder, const fs::path& input) {
  return place_beside(place_under(folder, input), ".meshes");
}

int byte_of(float share) {
  return static_cast<int>(std::lround(255 * share));
}

}  // namespace

std::string to_obj(const FaceMesh& mesh) {
  std::string text = fmt::format("# {}\n", open_mark());
  const auto out = std::back_inserter(text);
  for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
    const MeshVertex& v = mesh.vertices[i];
    const MeshColor& c = mesh.colors[i];
    fmt::format_to(out, "v {:.3f} {:.3f} {:.3f} {:.4f} {:.4f} {:.4f}\n", v.x, -v.y, -v.z, c.red,
                   c.green, c.blue);
  }
  for (const auto& [a, b, c] : mesh_triangles()) {
    fmt::format_to(out, "f {} {} {}\n", a + 1, b + 1, c + 1);
  }
  return sealed(std::move(text));
}

std::string to_ply(const FaceMesh& mesh) {
  std::string text = fmt::format(
      "ply\nformat ascii 1.0\ncomment {}\nelement vertex {}\nproperty float x\nproperty float "
      "y\nproperty float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nelement "
      "face {}\nproperty list uchar int vertex_indices\nend_header\n",
      open_mark(), mesh.vertices.size(), mesh_triangles().size());
  const auto out = std::back_inserter(text);
  for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
    const MeshVertex& v = mesh.vertices[i];
    const MeshColor& c = mesh.colors[i];
    fmt::format_to(out, "{:.3f} {:.3f} {:.3f} {} {} {}\n", v.x, -v.y, -v.z, byte_of(c.red),
                   byte_of(c.green), byte_of(c.blue));
  }
  for (const auto& [a, b, c] : mesh_triangles()) fmt::format_to(out, "3 {} {} {}\n", a, b, c);
  return sealed(std::move(text));
}

void write_meshes(const fs::path& folder, const fs::path& input,
                  const std::optional<video::FrameStamp>& frame,
                  const std::vector<std::int64_t>& tracks, const std::vector<Face>& faces) {
  const fs::path place = folder_of_meshes(folder, input);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (!faces[i].mesh) continue;
    make_folders(place);
    const std::string name = face_file_name(frame, tracks, i);
    for (const auto& [extension, form] : {std::pair(".obj", &to_obj), std::pair(".ply", &to_ply)}) {
      const fs::path file = place / (name + extension);
      expect_plain_file(file, ErrorCode::kUnwritable);
      write_file_atomically(file, form(*faces[i].mesh));
    }
  }
}

bool has_meshes(const fs::path& folder, const fs::path& input, bool are_frames,
                const FacesOfFrames& faces) {
  const fs::path place = folder_of_meshes(folder, input);
  return has_face_files(place, ".obj", are_frames, faces) &&
         has_face_files(place, ".ply", are_frames, faces);
}

std::vector<NumberedFiles> mesh_files(const fs::path& folder, const fs::path& input) {
  const fs::path place = folder_of_meshes(folder, input);
  return {{place, ".obj", OutputKind::kMesh}, {place, ".ply", OutputKind::kMesh}};
}

}  // namespace retinaface::pipeline
