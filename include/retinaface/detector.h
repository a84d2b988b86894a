#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "retinaface/export.h"
#include "retinaface/geometry.h"
#include "retinaface/image.h"

namespace retinaface {

/// One detected face, in pixels of the image that was given.
struct Face {
  float score = 0;  ///< probability of being a face, 0 to 1
  Box box;
  Landmarks landmarks{};
  /// Of the model's heads beyond those of score, box and landmarks, in their order; empty for the
  /// models of this library.
  std::vector<float> values{};
};

struct DetectOptions {
  /// Of what the built-in model finds at this score, 1.7 % is neither face nor head
  /// (reports/accuracy.md, False alarms).
  static constexpr float kDefaultMinScore = 0.6F;
  static constexpr float kDefaultNmsIou = 0.4F;

  /// Faces below this score are dropped. In [0, 1].
  float min_score = kDefaultMinScore;
  /// Of two boxes that overlap by more than this IoU only the better one stays. In [0, 1].
  float nms_iou = kDefaultNmsIou;
  /// Factors the image is resized by; the faces of all of them are merged. {1} is the original
  /// size alone. Each in (0, 16]. Empty: its own size and, in about a tenth of its time,
  /// an image pyramid of as many smaller ones as its sides ask for, for faces too large there, and
  /// enlarged crops around candidates of 12 px or so: the likeliest few, not all of a crowd.
  std::vector<float> scales = {};
  /// Images (after resizing) of more pixels than a square of this side has are worked on in
  /// overlapping tiles of this side, which bounds memory; 0: never. Otherwise at least 1280.
  int tile_px = 4096;
};

/// A loaded face detector. Immutable: one object serves any number of threads at once, each call
/// using one core. Copies share the loaded model.
class RETINAFACE_API Detector {
 public:
  /// The default model, which is part of the library: nothing is read from disk.
  Detector();
  /// `model` is the path of a .safetensors file that names its catalogue row (doc/model_format.md),
  /// or the name of a model: of one inside the library ("mnet025"), or of a file NAME.safetensors
  /// in $RETINAFACE_MODELS or the installed share/retinaface/models (same page, Names). Throws
  /// Error: kNotFound, kUnreadable or kBadData with the path and what is wrong.
  explicit Detector(const std::filesystem::path& model);

  ~Detector();
  Detector(const Detector&);
  Detector& operator=(const Detector&);
  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;

  /// Faces by falling score; empty when there are none. Boxes may reach over the image's edge.
  /// Throws Error(kInvalidArgument) for an empty image, one whose stride is
  /// shorter than a row, or an option outside its range.
  std::vector<Face> detect(ImageView image, const DetectOptions& options = {}) const;

  /// The same for each of several images, in their order, worked on by up to `threads` threads at
  /// once (0: one for each core). Throws what detect throws, for one of the images that fail.
  std::vector<std::vector<Face>> detect_batch(std::span<const ImageView> images,
                                              const DetectOptions& options = {},
                                              int threads = 0) const;

 private:
  friend struct DetectorFactory;  // for what is not in this interface
  class Implementation;
  explicit Detector(std::shared_ptr<const Implementation> implementation);
  std::shared_ptr<const Implementation> implementation_;
};

}  // namespace retinaface
