#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "retinaface/face.h"
#include "retinaface/recognizer.h"

#include "base/content_hash.h"
#include "base/ordered_pipeline.h"
#include "evaluation/detection_mode.h"
#include "evaluation/embedding_cache.h"

namespace retinaface::evaluation {

/// What is known of one face: nothing where it was not found.
using Embedding = std::optional<std::vector<float>>;

/// An encoded image and what messages call it.
struct ImageFile {
  std::string name;
  std::vector<std::byte> content;
};

/// Places the five points of the face that counts; nothing where it is not found.
using PlacePoints = std::function<std::optional<Landmarks>(const Image& image)>;

/// The points of the face found nearest to the image's middle, where many sets have their person.
std::optional<Landmarks> points_in_the_middle(const std::vector<Face>& faces, const Image& image);

/// The points of the face found that overlaps the box most; nothing where none does by a fifth of
/// the area that both cover.
std::optional<Landmarks> points_in_box(const std::vector<Face>& faces, const Box& box);

/// Those of an image that is an aligned face already.
Landmarks points_of_aligned(const Image& image);

/// Embeds faces by one recogniser, with embeddings kept from one evaluation to the next. Safe for
/// several threads.
class FaceEmbedder {
 public:
  /// `cache`: file of the kept ones (embedding_cache.h), empty: none are kept. `report` is told in
  /// the end why what was computed could not be kept, where save() was not called.
  FaceEmbedder(const std::string& recognizer, const std::string& cache, std::size_t cache_bytes,
               std::function<void(const std::string& problem)> report = {});

  /// An embedding for each way of moving the points that were found; `moved` gets them and the
  /// number of the way. Throws Error as decode_image and Recognizer::embed do.
  std::vector<Embedding> embed(
      const ImageFile& encoded, const PlacePoints& place, std::size_t ways,
      const std::function<Landmarks(const Landmarks& points, std::size_t way)>& moved);

  Embedding embed(const ImageFile& encoded, const PlacePoints& place);

  bool has_cache() const { return cache_ != nullptr; }
  /// How many embeddings came from the cache, and how many were computed for it; 0 without one.
  std::size_t kept() const { return has_cache() ? cache_->found() : 0; }
  std::size_t computed() const { return has_cache() ? cache_->added() : 0; }

  /// Writes the cache, if there is one. Throws Error(kUnwritable).
  void save();
  /// What was not saved is kept all the same, where an image fails or Ctrl-C ends the work.
  ~FaceEmbedder();

 private:
  Recognizer recognizer_;
  ContentHash mark_;
  std::unique_ptr<EmbeddingCache> cache_;
  std::function<void(const std::string& problem)> report_;
  bool saved_ = false;
};

/// Thrown where a work was stopped before its end.
struct Interrupted {};

/// How images are gone through.
struct RunControl {
  int threads = 1;
  const std::atomic<bool>* stop = nullptr;  ///< ends the work where it turns true; null: nothing
  std::function<void(std::size_t done, std::size_t of)> progress = {};
};

/// Calls `step(i)` for each of `count` by several threads and `take(result)` in order. Throws
/// Interrupted where the work was stopped, once what is under way has been taken.
template <typename Step, typename Take>
void for_each_in_order(const RunControl& work, std::size_t count, const Step& step,
                       const Take& take) {
  std::size_t next = 0;
  std::size_t done = 0;
  const auto stopped = [&] { return work.stop != nullptr && *work.stop; };
  run_in_order(
      work.threads,
      [&] { return next < count && !stopped() ? std::optional(next++) : std::nullopt; }, step,
      [&](auto result) {
        take(std::move(result));
        ++done;
        if (work.progress) work.progress(done, count);
      });
  if (done < count) throw Interrupted();
}

}  // namespace retinaface::evaluation
