#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/face_embedder.h"
#include "evaluation/verification.h"

namespace retinaface::evaluation {

// What a recogniser makes of pairs of images with the points that one detector gives it.

/// The shares of the distance between the eyes by which points are moved, to tell what they change.
inline constexpr std::array kMovedShares = {0.01, 0.02, 0.04};

/// Each point moved this far, in shares of the distance between the eyes, each its own way; the
/// same ways whatever the share. `image` is its number in the list.
Landmarks moved_points(Landmarks points, double share, std::size_t image);

/// By image of a list of pairs, an embedding for each share by which its points are moved.
using MovedEmbeddings = std::vector<std::vector<Embedding>>;

/// Embeds `count` images; `image` reads one, and is called by several threads at once. Throws
/// Interrupted, and what reading and embedding throw.
MovedEmbeddings embed_images(std::size_t count, const std::function<ImageFile(std::size_t)>& image,
                             const PlacePoints& place, const std::vector<double>& shares,
                             FaceEmbedder& embedder, const RunControl& work);

/// One detector's points, judged.
struct PairJudgement {
  std::string name;
  std::size_t missed = 0;  ///< images
  VerificationResult result;
  Similarities similarities;
  std::optional<AccuracyDifference> to_first = {};  ///< from the first detector's accuracy
};

/// `share` is an index among the shares that the embeddings were made for.
PairJudgement judge_pairs(const std::string& name, const PairList& pairs,
                          const MovedEmbeddings& embeddings, std::size_t share);

}  // namespace retinaface::evaluation
