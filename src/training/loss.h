#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/annotation.h"
#include "models/catalogue.h"
#include "training/box_loss.h"
#include "training/loss_terms.h"

namespace retinaface::training {

/// How much each head counts, by its name.
using HeadWeights = std::map<std::string, float, std::less<>>;

/// Weights and constants of the loss. The paper's weights of scores, boxes and landmarks are 1,
/// 0.25 and 0.1 with 3 negatives; the public PyTorch family's 1, 2 and 1 with 7.
struct LossOptions {
  HeadWeights weights = {};  ///< where they differ from the heads' own (models::Head)
  ScoreLoss score = ScoreLoss::kCrossEntropy;
  BoxLoss box = BoxLoss::kSmoothL1;
  float negatives_per_positive = 3;  ///< of cross-entropy
  int min_negatives = 0;             ///< of cross-entropy per image, however few positives it has
  float smooth_l1_beta = 1;          ///< where smooth-L1 turns from square to linear
  float min_points_score = 0;        ///< points that a model was less sure of teach nothing
  /// A model made the labels: what the anchors of a face learn is its label's score, and its box
  /// and points count as much.
  bool soft_targets = false;
};

/// What one image's anchors have to learn.
struct ImageTarget {
  std::vector<dataset::AnnotatedFace> faces;  ///< in pixels of the network's input
  std::vector<std::int32_t> match;            ///< match_anchors of them
};

/// The weight of a head's term.
double weight_of(const models::Head& head, const LossOptions& options);

/// Throws Error(kUnsupported), the head first, where compute_loss has not the loss that a head asks
/// for: cross-entropy is for scores, and scores have no other.
void check_losses(std::span<const models::Head> heads);

/// How many anchors each term of the loss is averaged over.
struct LossCounts {
  double positives = 0;           ///< anchors of faces
  std::vector<double> by_head{};  ///< those of them that the head has something to learn at
};

LossCounts count_positives(std::span<const ImageTarget> targets,
                           std::span<const models::Head> heads, const LossOptions& options);

struct LossTerm {
  std::string head;
  double value = 0;
};

struct LossValues {
  double total = 0;               ///< the sum of the terms below by their weights
  std::vector<LossTerm> terms{};  ///< by head
  double teacher = 0;  ///< distance from a teacher, already by its weights (distillation.h)
  double mesh = 0;     ///< of the mesh branch, already by its weight (joint_mesh.h)

  /// The term of the head called `head`; 0 if there is none.
  double term(std::string_view head) const;
  LossValues& operator+=(const LossValues& other);
};

/// One kind of output on all levels, finest first: maps of N x H x W cells, each with the values
/// of its anchors in a row. `gradients` lie alike.
struct HeadBatch {
  std::vector<std::span<const float>> values;
  std::vector<std::span<float>> gradients;
};

/// By head, in the order of the model's.
using NetworkOutputs = std::vector<HeadBatch>;

/// The sum over heads h of w_h L_h, and its derivative by every output, which is written to the
/// outputs' gradients. L_h is, by the head's loss,
///   kCrossEntropy  (1/P) sum of softmax cross-entropies over the P positives and, in each image,
///                  its negatives of the highest loss, `negatives_per_positive` for each positive
///                  (OHEM, Shrivastava et al. 2016); with ScoreLoss::kQualityFocal (1/P) sum of
///                  quality focal losses over the P positives and all negatives, where a positive's
///                  score should be the IoU of its box, as it is now, with the face (no derivative
///                  goes through that)
///   kSmoothL1      (1/P_h) sum over the P_h positives with something to learn (head_targets.h) of
///                  smooth-L1(d) = d^2 / (2 beta) for |d| < beta, |d| - beta / 2 beyond (Girshick
///                  2015), of each value's distance d from its target; of boxes instead what
///                  LossOptions::box says (box_loss.h)
///   kL1            the same of |d|
/// With soft targets a positive whose label has the score s is counted, and its other terms weigh,
/// s times, and its cross-entropy is that with (1 - s, s); its score in a quality focal loss should
/// be s times the IoU.
/// The heads are such as check_losses passes. `counts` are those of the whole batch, over all
/// processes that share it; a count of 0 counts as 1. The height and width are the input's. The
/// images are worked on by up to `threads` threads, whose number changes no bit of the result.
LossValues compute_loss(const NetworkOutputs& outputs, std::span<const ImageTarget> targets,
                        const models::AnchorFamily& family, std::span<const models::Head> heads,
                        std::int64_t height, std::int64_t width, const LossCounts& counts,
                        const LossOptions& options, int threads = 1);

}  // namespace retinaface::training
