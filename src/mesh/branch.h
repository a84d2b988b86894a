#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "retinaface/face.h"
#include "retinaface/image.h"
#include "retinaface/mesh.h"

#include "graph/weights.h"
#include "mesh/decoder.h"
#include "mesh/head.h"
#include "mesh/image_fit.h"
#include "mesh/seen_face.h"

namespace retinaface::mesh {

/// The mesh branch of a model: from what the network has at a face's anchor to the face's mesh.
/// Immutable; safe for several threads.
class Branch {
 public:
  /// Of the tensors of Decoder and MeshHead. Throws Error(kBadData), `source` first.
  Branch(const graph::Weights& weights, std::size_t kinds, std::size_t features,
         const std::string& source);

  const Decoder& decoder() const { return decoder_; }
  const MeshHead& head() const { return head_; }

  /// The mesh of `face`, whose box and landmarks are in pixels of `image`. Its shape and camera are
  /// what the head says, its colors what the image shows (mesh/refine.h). With `refine` all of it
  /// is then brought closer to the image (mesh/image_fit.h).
  FaceMesh mesh(std::size_t kind, std::span<const float> features, const Face& face,
                const ImageView& image, bool refine = false) const;

 private:
  const ImageFit& image_fit() const;

  Decoder decoder_;
  MeshHead head_;
  mutable std::once_flag image_fit_once_;
  mutable std::unique_ptr<const ImageFit> image_fit_;
};

/// The mesh that parameters stand for in a frame of the image; `seen` is their seen_face.
FaceMesh mesh_of(const Decoder& decoder, const Parameters& parameters, const Frame& frame,
                 const SeenFace& seen);

}  // namespace retinaface::mesh
