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
#include "cli/interruption.h"
#include "cli/progress.h"
#include "evaluation/embedding_cache.h"

namespace retinaface::cli {

/// What is known of one face: nothing where it was not found.
using Embedding = std::optional<std::vector<float>>;

/// An encoded image and what messages call it.
struct EncodedImage {
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
  /// `cache`: file of the kept ones (evaluation/embedding_cache.h), empty: none are kept.
  FaceEmbedder(const std::string& recognizer, const std::string& cache, std::size_t cache_bytes);

  /// An embedding for each way of moving the points that were found; `moved` gets them and the
  /// number of the way.
  std::vector<Embedding> embed(
      const EncodedImage& encoded, const PlacePoints& place, std::size_t ways,
      const std::function<Landmarks(const Landmarks& points, std::size_t way)>& moved);

  Embedding embed(const EncodedImage& encoded, const PlacePoints& place);

  /// Keeps what the cache is to keep, and says how much of it came from there.
  void save();
  /// What was not saved is kept all the same, where an image fails or Ctrl-C ends the work.
  ~FaceEmbedder();

 private:
  Recognizer recognizer_;
  ContentHash mark_;
  std::unique_ptr<evaluation::EmbeddingCache> cache_;
  bool saved_ = false;
};

/// Thrown where Ctrl-C has ended the work.
struct Interrupted {};

/// Calls `work(i)` for each of `count` by several threads and `take(result)` in order, with a line
/// of progress. Throws Interrupted after Ctrl-C, once what is under way has been taken.
template <typename Work, typename Take>
void for_each_in_order(int threads, std::size_t count, const Work& work, const Take& take) {
  ProgressLine progress("embedding");
  std::size_t next = 0;
  std::size_t done = 0;
  const std::atomic<bool>& interrupted = end_cleanly_when_interrupted();
  run_in_order(
      threads, [&] { return next < count && !interrupted ? std::optional(next++) : std::nullopt; },
      work,
      [&](auto result) {
        take(std::move(result));
        progress.show(++done, count);
      });
  if (done < count) throw Interrupted();
}

}  // namespace retinaface::cli
