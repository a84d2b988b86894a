#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "retinaface/face.h"
#include "retinaface/image.h"

#include "dataset/mesh_label.h"

namespace retinaface::evaluation {

/// How far a face's mesh is from what is known of the face. Distances are shares of sqrt(w h) of
/// the label's box, unless they say otherwise.
struct MeshError {
  std::filesystem::path image{};      ///< of the label
  Box box{};                          ///< of the label
  double five = 0;                    ///< of the five points, mean
  std::optional<double> points_51{};  ///< of Multi-PIE's inner points, mean
  std::optional<double> points_68{};  ///< of all of them
  std::optional<double>
      depth_51{};  ///< of the inner ones with depth, whose means are made the same
  std::optional<double> depth_68{};    ///< of all of them
  std::optional<double> vertices{};    ///< mean of all with depth, shares of the eye distance
  std::optional<double> pose{};        ///< mean of the three angles' differences, degrees
  std::optional<double> silhouette{};  ///< IoU of what the two meshes cover
  double pixel = 0;                    ///< L_pixel: of the covered pixels, mean of |R - I|, 0 to 1
};

/// `face` has a mesh, in pixels of `image`.
MeshError mesh_error(const Face& face, const Image& image, const dataset::MeshLabel& label);

/// The errors of all faces of a set.
struct MeshReport {
  std::size_t faces = 0;          ///< of the set
  std::vector<MeshError> errors;  ///< of those that were found

  /// Counts a face, found or (no error) not.
  void add(const std::optional<MeshError>& error);
};

/// All figures for people: means over the faces that were found, in percent where they are shares.
std::string format_report(const MeshReport& report);

/// {"faces", "found", the means by their names, "by_face": [{"image", "box": [x0, y0, x1, y1], and
/// the errors of a face that was found by the same names}]}; what is unknown is left out.
nlohmann::json to_json(const MeshReport& report);

/// Draws the share of all faces, found or not, whose 68 and 51 points are at most x off. Throws
/// Error as draw_diagrams.
void draw_mesh_curves(const std::filesystem::path& path, const std::string& name,
                      const MeshReport& report);

}  // namespace retinaface::evaluation
