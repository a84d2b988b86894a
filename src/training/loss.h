#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataset/annotation.h"
#include "models/catalogue.h"

namespace retinaface::training {

/// Weights and constants of the loss. The paper's are 1, 0.25 and 0.1 with 3 negatives; the public
/// PyTorch family's 1, 2 and 1 with 7.
struct LossOptions {
  float cls_weight = 1;
  float box_weight = 0.25F;
  float landmarks_weight = 0.1F;
  float negatives_per_positive = 3;
  int min_negatives = 0;       ///< per image, however few positives it has
  float smooth_l1_beta = 1;    ///< where the box and landmark losses turn from square to linear
  float min_points_score = 0;  ///< points that a model was less sure of teach nothing
  /// A model made the labels: what the anchors of a face learn is its label's score, and its box
  /// and points count as much.
  bool soft_targets = false;
};

/// What one image's anchors have to learn.
struct ImageTarget {
  std::vector<dataset::AnnotatedFace> faces;  ///< in pixels of the network's input
  std::vector<std::int32_t> match;            ///< match_anchors of them
};

/// How many anchors each term of the loss is averaged over.
struct LossCounts {
  double positives = 0;       ///< for the classes
  double with_box = 0;        ///< for the boxes
  double with_landmarks = 0;  ///< for the landmarks
};

LossCounts count_positives(std::span<const ImageTarget> targets, const LossOptions& options);

struct LossValues {
  double total = 0;  ///< the sum of the terms below by their weights
  double cls = 0;
  double box = 0;
  double landmarks = 0;
  double teacher = 0;  ///< distance from a teacher, already by its weights (distillation.h)

  LossValues& operator+=(const LossValues& other);
};

/// One kind of output on all levels, finest first: maps of N x H x W cells, each with the values
/// of its anchors in a row. `gradients` lie alike.
struct HeadBatch {
  std::vector<std::span<const float>> values;
  std::vector<std::span<float>> gradients;
};

struct NetworkOutputs {
  HeadBatch cls;        ///< 2 values an anchor: not a face, face
  HeadBatch box;        ///< 4
  HeadBatch landmarks;  ///< 10
};

/// L = w_cls L_cls + w_box L_box + w_pts L_pts, and its derivative by every output, which is
/// written to the outputs' gradients.
///   L_cls  (1/P) sum of softmax cross-entropies over the P positives and, in each image, its
///          negatives of the highest loss, `negatives_per_positive` for each positive (OHEM,
///          Shrivastava et al. 2016)
///   L_box  (1/P_box) sum over positives of the smooth-L1 distances of the 4 offsets
///   L_pts  (1/P_pts) the same of the 10 landmark offsets, where the face has landmarks
/// with smooth-L1(d) = d^2 / (2 beta) for |d| < beta, |d| - beta / 2 beyond (Girshick 2015).
/// With soft targets a positive whose label has the score s is counted, and its box and points
/// weigh, s times, and its cross-entropy is that with (1 - s, s).
/// `counts` are those of the whole batch, over all processes that share it; a count of 0 counts as
/// 1. The height and width are the input's.
LossValues compute_loss(const NetworkOutputs& outputs, std::span<const ImageTarget> targets,
                        const models::AnchorFamily& family, std::int64_t height, std::int64_t width,
                        const LossCounts& counts, const LossOptions& options);

}  // namespace retinaface::training
