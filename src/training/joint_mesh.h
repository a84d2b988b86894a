#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataset/augmentation.h"
#include "detection/anchors.h"
#include "graph/weights.h"
#include "models/catalogue.h"
#include "training/loss.h"
#include "training/mesh_head.h"
#include "training/mesh_loss.h"

namespace retinaface::training {

/// How a mesh branch is trained together with its network.
struct JointMeshOptions {
  float weight = 0;        ///< of its loss in the network's (the paper: 0.01); 0: it is not trained
  float min_face_px = 24;  ///< shorter side of the faces that it learns from
  int anchors_per_face = 2;  ///< at most
  /// Of a face only the five points are known. The geometry is there already.
  MeshLossOptions loss;
};

/// The mesh branch in the loss of its network. At anchors that match faces with five points it
/// reads the context maps, says 128 + 7 + 9 values of what the network now takes for the face, and
/// is told how far off its points and its rendered face are: L = w / P sum of MeshLoss over P
/// anchors. Its derivatives by the context maps go on into the network; those by the boxes and
/// points that the network says, which frame the face, do not.
class JointMesh {
 public:
  /// Of the tensors of mesh::Decoder, which stays as it is, and of mesh::MeshHead, for context maps
  /// of so many channels. Throws Error(kBadData), `source` first, for others. The model must
  /// outlive it.
  JointMesh(const graph::Weights& branch, const models::Model& model, std::size_t features,
            const JointMeshOptions& options, int threads, const std::string& source);

  /// An anchor that the branch learns at.
  struct Place {
    std::size_t image = 0;
    std::size_t level = 0;
    std::size_t index = 0;  ///< among the level's anchors
    std::size_t kind = 0;   ///< mesh::MeshHead's
    std::size_t face = 0;   ///< of the image
    detection::Anchor anchor;
  };
  /// Those of a batch of squares of `side` px, spread over the anchors of each face.
  std::vector<Place> places(std::span<const ImageTarget> targets, std::int64_t side) const;

  /// The loss at `places`, `count` of them in the whole batch (0 counts as 1). Writes its
  /// derivatives by the context maps, N x H x W cells of adjacent channels by level, and adds those
  /// by the head to gradients(). The same for any number of threads.
  double add_loss(const NetworkOutputs& outputs, const HeadBatch& context,
                  std::span<const dataset::Sample> samples, std::span<const ImageTarget> targets,
                  std::span<const Place> places, double count);

  /// What is learnt: the head's parameters.
  const std::vector<runtime::ParameterSlot>& slots() const { return head_.slots(); }
  std::span<float> values() { return head_.values(); }
  std::span<const float> values() const { return head_.values(); }
  std::span<float> gradients() { return gradients_; }

  /// The decoder's tensors, for who writes the branch with the head's.
  const graph::Weights& decoder_tensors() const { return decoder_tensors_; }

 private:
  double image_loss(const NetworkOutputs& outputs, const HeadBatch& context, const Image& image,
                    std::size_t images, const ImageTarget& target, std::span<const Place> places,
                    float factor, MeshLoss& loss, std::span<float> gradient) const;

  const models::Model& model_;
  std::size_t features_;
  JointMeshOptions options_;
  int threads_;
  graph::Weights decoder_tensors_;
  mesh::Decoder decoder_;
  std::vector<MeshLoss> losses_;  ///< by thread
  TrainableMeshHead head_;
  std::vector<float> gradients_;
};

}  // namespace retinaface::training
