#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "retinaface/detector.h"

#include "image/codecs/decoded_image.h"
#include "pipeline/results.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {

/// Pixels to look at: an image's own or, decoded in its place, fewer. Faces are told in pixels of
/// the whole image.
struct SeenImage {
  ImageView pixels;
  int width;          ///< of the whole image, as the rest as in DecodedImage
  int height;         ///< the same
  int reduction = 1;  ///< the same
  int left = 0;       ///< the same
  int top = 0;        ///< the same

  SeenImage(const ImageView& whole) : pixels(whole), width(whole.width), height(whole.height) {}
  SeenImage(const Image& whole) : SeenImage(whole.view()) {}
  /// `image` is that of `decoded`, which may have been moved.
  SeenImage(const Image& image, const DecodedImage& decoded);
};

/// The reduction (decode_image) of images in which nothing but their faces is looked for: 8, 4 or 2
/// where the scales leave at least as little of an image, and no option needs more; else 1.
int reduction_for(const DetectOptions& options);

/// What was found in one image.
struct DetectedFaces {
  ImageResult result;  ///< with the faces that are wanted, as Detector::detect gives them
  /// Those and others that were found: of a frame all, with faint ones, which carry tracks on.
  /// Their boxes are not clipped.
  std::vector<Face> found;
  std::vector<std::size_t> wanted;  ///< those of `found` that are in the result
  std::vector<Face> hidden;         ///< what blurred images hide: faces_to_hide
};

/// Detects in an image that is in memory, by all of the options. `path` is what the result calls
/// the image, `frame` which frame of a video it is, if it is one; its tracks are left to the
/// caller. Throws as Detector::detect.
DetectedFaces detect_faces(const Detector& detector, const DetectOptions& options,
                           const SeenImage& image, const std::filesystem::path& path,
                           const std::optional<video::FrameStamp>& frame = std::nullopt);

/// Of an image that is to be blurred, the faces that have to be hidden (detection/hidden_faces.h):
/// of a frame faint ones as well. Throws as Detector::detect.
std::vector<Face> faces_to_hide(const Detector& detector, const DetectOptions& options,
                                ImageView image, const DetectedFaces& detection);

}  // namespace retinaface::pipeline
