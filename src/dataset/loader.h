#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataset/augmentation.h"

namespace retinaface::dataset {

/// An image of whose faces nothing is known for want of the image, which the annotations need:
/// YOLO's are shares of its sides.
struct LeftOutImage {
  bool is_missing = false;  ///< else it is there and cannot be read
  std::string problem;      ///< one line
};

/// A set's images and faces, as training takes them.
struct TrainingSet {
  std::filesystem::path images;  ///< the folder that the annotations' paths start from
  AnnotationSet annotations;
  std::vector<LeftOutImage> left_out = {};  ///< of which the annotations have none
};

struct LoaderOptions {
  AugmentationOptions augmentation;
  int side_px = 640;
  int batch = 8;
  std::uint64_t seed = 1;
  int threads = 1;        ///< that decode and augment ahead of the training
  int batches_ahead = 2;  ///< how many finished batches wait at most
  /// Decoded images are kept for later epochs up to this.
  std::size_t cache_bytes = 0;
  /// This process takes the images `rank`, rank + processes, ... of every batch, of which it
  /// yields batch / processes.
  int rank = 0;
  int processes = 1;
  /// Told, once for each image that cannot be read, what is wrong with it. From any thread, one
  /// call at a time.
  std::function<void(const std::string& problem)> report = {};
};

/// Yields batch after batch of augmented samples, for ever. An epoch is each image once, in an
/// order of its own; a last part that fills no batch is left out. What batch number b holds depends
/// on the seed and on b alone: not on the threads, nor on where the loader was started. In the
/// place of an image that cannot be read comes the next of the epoch's order that can.
class Loader {
 public:
  /// Starts with batch number `first_batch`, counted from 0 over all epochs. Throws
  /// Error(kBadData) when the sets hold fewer images than one batch.
  Loader(std::vector<TrainingSet> sets, LoaderOptions options, std::int64_t first_batch = 0);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t batches_per_epoch() const;
  /// The next batch; waits until it is there. Throws Error(kBadData) when no image can be read.
  std::vector<Sample> next();
  /// Of the images that were taken so far, the faces whose boxes lie wholly outside, and one of
  /// these images. Such faces are not learnt.
  struct FacesOutside {
    std::size_t faces = 0;
    std::string example;
  };
  FacesOutside faces_outside() const;
  /// Seconds that next() has spent waiting so far.
  double waited_seconds() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace retinaface::dataset
