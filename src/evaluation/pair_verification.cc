#include "evaluation/pair_verification.h"

#include <cmath>
#include <numbers>
#include <utility>

#include "base/random.h"

namespace retinaface::evaluation {

Landmarks moved_points(Landmarks points, double share, std::size_t image) {
  const double distance = std::hypot(points[1].x - points[0].x, points[1].y - points[0].y);
  Random random = Random::of(1, image);
  for (Point& point : points) {
    const double angle = random.uniform(0, 2 * std::numbers::pi);
    point.x += static_cast<float>(share * distance * std::cos(angle));
    point.y += static_cast<float>(share * distance * std::sin(angle));
  }
  return points;
}

MovedEmbeddings embed_images(std::size_t count, const std::function<ImageFile(std::size_t)>& image,
                             const PlacePoints& place, const std::vector<double>& shares,
                             FaceEmbedder& embedder, const RunControl& work) {
  MovedEmbeddings all;
  for_each_in_order(
      work, count,
      [&](std::size_t i) {
        return embedder.embed(image(i), place, shares.size(),
                              [&](const Landmarks& points, std::size_t way) {
                                return moved_points(points, shares[way], i);
                              });
      },
      [&](std::vector<Embedding> embeddings) { all.push_back(std::move(embeddings)); });
  return all;
}

PairJudgement judge_pairs(const std::string& name, const PairList& pairs,
                          const MovedEmbeddings& embeddings, std::size_t share) {
  PairJudgement judgement;
  judgement.name = name;
  for (const auto& image : embeddings) judgement.missed += image[share] ? 0 : 1;
  for (const auto& fold : pairs.folds) {
    auto& similarities = judgement.similarities.emplace_back();
    for (const Pair& pair : fold) {
      const Embedding& a = embeddings[pair.first][share];
      const Embedding& b = embeddings[pair.second][share];
      similarities.push_back(a && b ? std::optional(similarity(*a, *b)) : std::nullopt);
    }
  }
  judgement.result = verify(pairs, judgement.similarities);
  return judgement;
}

}  // namespace retinaface::evaluation
