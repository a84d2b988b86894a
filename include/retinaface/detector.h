#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "retinaface/array_view.h"
#include "retinaface/export.h"
#include "retinaface/face.h"
#include "retinaface/image.h"
#include "retinaface/model_info.h"

namespace retinaface {

namespace detection {
struct DetectorFactory;  // of the library itself, for what is not in this interface
}  // namespace detection

struct DetectOptions {
  /// Of what the built-in model finds at this score, 0.9 % is neither face nor head
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
  /// enlarged crops around candidates of 12 px or so: the likeliest few, not all of a crowd. An
  /// image whose sides are under 640 px is seen at twice its size as well where anything in it
  /// looks like a small face, which takes five times as long.
  std::vector<float> scales = {};
  /// Images (after resizing) of more pixels than a square of this side has are worked on in
  /// overlapping tiles of this side, which bounds memory; 0: never. Otherwise at least 1280.
  int tile_px = 4096;
  /// Only this many faces, those of the highest scores; 0: all.
  int max_faces = 0;
  /// Faces whose box's shorter side has fewer pixels of the image are dropped. 0 or more. The box
  /// is measured as it was found, before clip_to_image.
  float min_size_px = 0;
  /// Boxes end at the image's edges, and faces whose box lies outside are dropped. Landmarks stay
  /// where they are.
  bool clip_to_image = false;
  /// Gives each face its Face::mesh, at the cost of a fraction of a millisecond a face. Takes a
  /// model with a mesh branch, which the default one has (doc/mesh.md).
  bool mesh = false;
  /// Brings each mesh closer to what the image shows, by a few steps of Gauss and Newton, at the
  /// cost of some milliseconds a face (doc/mesh.md tells what it gains). Nothing without `mesh`.
  bool refine_mesh = false;
  /// Find heads that are turned far: each face is seen again in crops turned by quarters, one that
  /// is rolled there once or twice more, levelled, and its landmarks are those of the view that
  /// shows it most upright; the left eye is then the face's own, wherever it lies. Costs what 65000
  /// to 98000 pixels more cost, for each face. Without it landmarks of heads turned by more than
  /// some 60 degrees are not to be relied on.
  bool turned = false;
};

/// What a detector's network is run by.
struct RuntimeOptions {
  /// The numbers that it computes in: "float32", "bfloat16", "int8", or "auto", the fastest that
  /// the model and the processor have and whose accuracy is within the bounds of
  /// doc/low_precision.md.
  std::string type = "float32";
  /// One of the list of `retinaface models`; empty: the first there that can.
  std::string backend = {};
};

/// A loaded face detector. Immutable: one object serves any number of threads at once, each call
/// using one core. Copies share the loaded model.
class RETINAFACE_API Detector {
 public:
  /// The default model, which is part of the library: nothing is read from disk.
  Detector();
  /// The same, run as `runtime` says. Throws Error(kUnsupported) for what the processor lacks for
  /// it, Error(kInvalidArgument) for names that are none.
  explicit Detector(const RuntimeOptions& runtime);
  /// `model` is the path of a model file (doc/model_format.md), or the name of a model (same page,
  /// Names). Throws Error: kNotFound, kUnreadable or kBadData with the path and what is wrong.
  explicit Detector(const std::filesystem::path& model);
  /// The same, run as `runtime` says; throws Error(kUnsupported) also where the model lacks what
  /// that takes: a calibration for int8.
  Detector(const std::filesystem::path& model, const RuntimeOptions& runtime);
  /// The bytes of such a file, which are needed during the call alone; `name` stands in for the
  /// path in messages. Throws Error: kBadData or kUnsupported.
  static Detector from_bytes(ArrayView<std::byte> safetensors, const std::string& name = "model",
                             const RuntimeOptions& runtime = {});

  ~Detector();
  Detector(const Detector&);
  Detector& operator=(const Detector&);
  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;

  /// Faces by falling score; empty when there are none. Boxes may reach over the image's edge
  /// (DetectOptions::clip_to_image). Throws Error: kInvalidArgument for an empty image, one whose
  /// stride is shorter than a row, or an option outside its range; kTooLarge for an image with a
  /// side over kMaxImageSide, before or after resizing; kUnsupported where a mesh is asked of a
  /// model without a mesh branch, kBadData where that belongs to other weights.
  std::vector<Face> detect(const ImageView& image, const DetectOptions& options = {}) const;
  std::vector<Face> detect(const Image& image, const DetectOptions& options = {}) const {
    return detect(image.view(), options);
  }

  /// The same for each of several images, in their order, worked on by up to `threads` threads at
  /// once (0: one for each core). Throws what detect throws, for one of the images that fail, with
  /// its place in the message, "images[4]: ...".
  std::vector<std::vector<Face>> detect_batch(ArrayView<ImageView> images,
                                              const DetectOptions& options = {},
                                              int threads = 0) const;

  /// What is known of the loaded model; multiply-adds for images of width x height pixels. Throws
  /// Error(kInvalidArgument) for a side that is not from 1 to 65536, Error(kUnsupported) where the
  /// network takes no images of this size.
  ModelInfo info(int width = 640, int height = 480) const;

 private:
  friend struct detection::DetectorFactory;
  class Implementation;
  explicit Detector(std::shared_ptr<const Implementation> implementation);
  std::shared_ptr<const Implementation> implementation_;
};

}  // namespace retinaface
