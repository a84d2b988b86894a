#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "retinaface/detector.h"

#include "models/load_model.h"
#include "runtime/backend.h"
#include "runtime/runtime.h"

namespace retinaface::detection {

/// Makes detectors of models that are in memory, which need not be rows of the catalogue.
struct DetectorFactory {
  /// `model.model` must outlive the detector and its copies. Its network is run by the backend that
  /// is named, or by the best one (runtime::BackendRegistry::make, which says what is thrown).
  static Detector make(const models::LoadedModel& model, const std::string& backend = {},
                       const runtime::NetworkOptions& options = {});

  /// The same by the names of a type and a backend.
  static Detector make(const models::LoadedModel& model, const RuntimeOptions& runtime);

  /// What Detector::detect finds, with boxes as they were found: clip_to_image leaves out the faces
  /// that lie outside the image, but cuts off no box. Throws as Detector::detect.
  static std::vector<Face> whole_faces(const Detector& detector, const ImageView& image,
                                       const DetectOptions& options);

  /// Throws what Detector::detect throws where a mesh is asked of this detector.
  static void check_mesh(const Detector& detector);

  /// All faces of the image at its own size whose score is at least `min_score`, one for each
  /// anchor, overlapping as they are; their values end with what detection::take_mesh_features
  /// takes. What the mesh branch learns from: the model needs none yet.
  static std::vector<Face> anchor_faces(const Detector& detector, const ImageView& image,
                                        float min_score);

  /// Kinds of anchors (level and size) and channels of the context maps, as mesh::MeshHead has
  /// them.
  static std::pair<std::size_t, std::size_t> mesh_head_size(const Detector& detector);

  /// What a backend that runs two others found in all that the detector and its copies did
  /// (runtime::Backend::tells_differences); empty for other backends.
  static std::vector<runtime::OutputDifference> differences(const Detector& detector);
};

}  // namespace retinaface::detection
