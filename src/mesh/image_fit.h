#pragma once

#include <vector>

#include "retinaface/image.h"

#include "mesh/decoder.h"
#include "mesh/head.h"

namespace retinaface::mesh {

/// Brings a face's parameters x = (shape a, texture b, camera p, light q) closer to the image, by a
/// few steps of Gauss and Newton from x0, what the head says. With R the rendered face and I the
/// image on a raster of 48x48 over the frame, r = R - I at n of the pixels that the face covers:
///
///     E(x) = 1 / 3n sum |r(x)| + 1/2 (x - x0)^T L (x - x0),   b0 = 0
///     (1 / 3n J^T W J + L) dx = -(1 / 3n J^T W r + L (x - x0)),   W = 1 / max(|r|, delta)
///
/// J by the texture and the light's colors is R's own. By shape and camera it is -g dv: dv the move
/// of the triangle's corners, g the mean of R's and I's gradients, which agree where the face fits
/// (efficient second-order minimisation, Benhimane and Malis 2004); what moves do to the shading is
/// left out, and so is the place of the light. A step that does not make E less ends it. Immutable;
/// safe for several threads.
class ImageFit {
 public:
  /// Copies the decoder's components vertex by vertex, 1.5 MB; `decoder` must outlive this.
  explicit ImageFit(const Decoder& decoder);

  /// The best of `start` and what the steps came to.
  Parameters operator()(const ImageView& image, const Frame& frame, const Parameters& start) const;

 private:
  struct Scene;
  struct System;
  Scene render(const Parameters& parameters) const;
  void add_equations(const Scene& scene, const Parameters& parameters, System& system) const;

  const Decoder& decoder_;
  std::vector<float> shape_;    // (V, 3, shape codes)
  std::vector<float> texture_;  // (V, 3, texture codes)
};

}  // namespace retinaface::mesh
