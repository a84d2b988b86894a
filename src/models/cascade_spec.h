#pragma once

#include <functional>
#include <vector>

#include "graph/graph.h"
#include "graph/operators.h"
#include "models/search_policy.h"

namespace retinaface::models {

/// A network that looks again at what the one before has let through: at a square cut out of the
/// image and scaled to its side. Its outputs are maps of one cell: "score" (2, logits of being none
/// and of being a face), "box" (4) and, of the last stage, "landmarks" (10, all x before all y, in
/// shares of the box).
struct CascadeStage {
  std::function<graph::Graph()> build;
  int side_px = 24;
  /// What scores lower goes no further. Of the last stage it is the caller's
  /// (DetectOptions::min_score) that counts.
  float min_score = 0.7F;

  graph::Shape input() const { return {1, 3, side_px, side_px}; }
};

/// What makes networks a detector that searches by itself (Zhang et al. 2016, "Joint Face Detection
/// and Alignment Using Multitask Cascaded Convolutional Networks", MTCNN): Model::network, without
/// padding, sees each window of an image pyramid; stages judge and calibrate what it lets through
/// (detection/cascade.h). Its outputs are "score" (2) and "box" (4) for each window, the latter
/// what is added to the box's four sides, in shares of its width and height.
struct CascadeSpec {
  int window_px = 12;
  int window_stride_px = 2;
  float min_window_score = 0.6F;
  /// Side of the smallest faces, px of the image: the finest level shows them as one window.
  float min_face_px = 20;
  /// Between neighbouring levels of the pyramid, under 1.
  float scale_step = 0.709F;

  // Non-maximum suppression.

  float max_level_iou = 0.5F;  ///< among the windows of one level
  float max_iou = 0.7F;        ///< among those of all levels, and after each stage but the last
  /// After the last stage: shared area over the smaller box's.
  float max_share_of_smaller = 0.7F;

  std::vector<CascadeStage> stages;

  /// How what was found is looked at again.
  TurnedHeadPolicy turned = {};
};

/// A level of a cascade's image pyramid, px.
struct CascadeLevel {
  int width = 0;
  int height = 0;

  friend bool operator==(const CascadeLevel&, const CascadeLevel&) = default;
};

/// Finest first: sides times window_px / min_face_px, then times scale_step again and again,
/// rounded up, as long as the shorter one holds a window.
std::vector<CascadeLevel> cascade_levels(const CascadeSpec& cascade, int width, int height);

}  // namespace retinaface::models
