#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "retinaface/array_view.h"
#include "retinaface/detector.h"
#include "retinaface/export.h"
#include "retinaface/geometry.h"
#include "retinaface/image.h"
#include "retinaface/model_info.h"

namespace retinaface {

/// A face to be recognised: its five points in pixels of the image.
struct FaceInImage {
  ImageView image;
  Landmarks landmarks{};
};

/// A loaded recogniser: a network that makes of a face a vector, such that vectors of one person
/// point the same way. None is part of the library: `retinaface import` makes a model file of an
/// ONNX file of one (doc/import.md). It names nobody; it says how alike two faces are.
///
/// Immutable: one object serves any number of threads at once, each call using one core. Copies
/// share the loaded model.
class RETINAFACE_API Recognizer {
 public:
  /// `model` is the path of a .safetensors file, or a name as Detector's. Throws Error: kNotFound,
  /// kUnreadable or kBadData with the path and what is wrong; kUnsupported for a model that is a
  /// detector.
  explicit Recognizer(const std::filesystem::path& model);
  /// The same, run as `runtime` says; throws as Detector's constructor does. What "bfloat16" and
  /// "int8" cost was measured on detectors alone.
  Recognizer(const std::filesystem::path& model, const RuntimeOptions& runtime);
  /// The bytes of such a file, which are needed during the call alone; `name` stands in for the
  /// path in messages. Throws Error: kBadData or kUnsupported.
  static Recognizer from_bytes(ArrayView<std::byte> safetensors, const std::string& name = "model");
  static Recognizer from_bytes(ArrayView<std::byte> safetensors, const std::string& name,
                               const RuntimeOptions& runtime);

  ~Recognizer();
  Recognizer(const Recognizer&);
  Recognizer& operator=(const Recognizer&);
  Recognizer(Recognizer&&) noexcept;
  Recognizer& operator=(Recognizer&&) noexcept;

  /// How many values an embedding has.
  int embedding_size() const;

  /// The face's vector, of length 1: the sum of what the network yields for the face aligned to the
  /// template of alignment.h and for its mirror image, normalised. Throws Error as align_face does.
  std::vector<float> embed(const ImageView& image, const Landmarks& landmarks) const;
  std::vector<float> embed(const Image& image, const Landmarks& landmarks) const {
    return embed(image.view(), landmarks);
  }

  /// The same for each of several faces, in their order, worked on by up to `threads` threads at
  /// once (0: one for each core). Throws what embed throws, for one of the faces that fail, with
  /// its place in the message, "faces[4]: ...".
  std::vector<std::vector<float>> embed_batch(ArrayView<FaceInImage> faces, int threads = 0) const;

  /// What is known of the loaded model; it has no strides. Multiply-adds are those for one aligned
  /// face, of which an embedding takes two: the mirror image is the other.
  ModelInfo info() const;

 private:
  class Implementation;
  explicit Recognizer(std::shared_ptr<const Implementation> implementation);
  std::shared_ptr<const Implementation> implementation_;
};

/// How alike two faces are by their embeddings: the cosine of the angle between these, -1 to 1.
/// Throws Error(kInvalidArgument) where they are not equally long, or one is all zeros.
RETINAFACE_API float similarity(ArrayView<float> a, ArrayView<float> b);

}  // namespace retinaface
