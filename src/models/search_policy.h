#pragma once

#include "retinaface/detector.h"

namespace retinaface::models {

struct AnchorFamily;

/// How faces of all sizes are looked for with a network whose anchors have a few: in smaller copies
/// of the image (detection/image_pyramid.h) and in enlarged crops of it (detection/refinement.h).
/// Sizes of faces are those of the longer side of their boxes. The values here were measured for
/// the default model, whose anchors have 16 to 512 px: the pyramid's on a portrait enlarged step
/// by step (tests/any_size_test.cc), of which faces up to about 480 px come out as one, and of
/// larger ones parts as well.
struct SearchPolicy {
  // The image pyramid.

  /// Images whose longer side has no more, px, are seen at their own size alone: it shows the
  /// largest face that they can hold.
  float one_pass_side_px = 640;
  /// Longer side of the coarsest level, px of that level.
  float coarsest_side_px = 512;
  /// The scale of the coarsest level is no larger: at 0.2 a level costs a twenty-fifth of the image
  /// itself.
  float max_coarsest_scale = 0.2F;
  /// Between the scales of neighbouring levels, over 1. No more than max_face_px / min_face_px, so
  /// that their ranges of faces overlap.
  float scale_step = 8;
  /// Faces that are taken from a level have at least as many px in that level, unless it is the
  /// image itself; smaller ones a finer level shows better.
  float min_face_px = 40;
  /// Faces that are taken from a level have fewer px in that level, unless it is the coarsest;
  /// larger ones a coarser level shows better.
  float max_face_px = 448;
  /// From this size on, px of the image, a face beside a larger face's box may be a part of that
  /// head, which the network took for a face.
  float min_part_px = 128;

  // Small images: of faces of 8 to 16 px, which thumbnails have, anchors of 16 px see next to
  // nothing.

  /// Images whose longer side has fewer px are seen enlarged as well, unless nothing at their own
  /// size looks like a face that is too small for it.
  float enlarged_below_px = 640;
  /// How many times; over 1.
  float enlargement = 2;
  /// Of images whose longer side has at least as many px, that is done for candidates (below) of at
  /// least `min_enlarged_score` alone: at twice the size an image costs four times as much, which
  /// below this is next to nothing. Chosen on training images: 97.5 % of the faces and more are
  /// kept, and portraits cost what they cost without (reports/accuracy.md).
  float choosy_from_px = 200;
  float min_enlarged_score = 0.05F;
  /// Faces that are taken from the enlarged image have fewer px of the image itself, which shows
  /// larger ones well.
  float max_enlarged_face_px = 64;

  // The refinement crops.

  /// Side of a crop, px of the image.
  int crop_side_px = 32;
  /// Times that a crop is enlarged for the network.
  int crop_scale = 3;
  /// What lies within this distance of a crop's edge, px of the image, lacks its surroundings: its
  /// faces are not taken from this crop.
  float crop_margin_px = 8;
  /// Faces of this size or larger, px of the image, need no crop: the image itself shows them well.
  float max_refined_px = 24;
  /// A candidate and a face in a crop are the same if their centres are no farther apart, px of
  /// the image.
  float same_face_px = 8;
  /// A lower score of the smallest anchors at the image's own size makes no candidate. In (0, 1).
  float min_candidate_score = 0.002F;
  /// Where a face has this score at the image's own size or smaller ones, no crop is made. 0 to 1.
  float sure_score = DetectOptions::kDefaultMinScore;
  /// What the log odds of the score in the crop count, where those of the candidate count 1.
  float crop_weight = 2;

  /// Whether faces that their points contradict are dropped (detection/plausibility.h): its
  /// thresholds were chosen by the default model's points.
  bool drops_implausible = false;

  // What they may cost, as shares of the time that the image's own size takes.

  /// Spent on the levels of the pyramid and, what they leave, on crops.
  double extra_work = 0.1;
  /// Of that, what making one smaller copy of the image takes.
  double shrinking_work = 0.03;

  friend bool operator==(const SearchPolicy&, const SearchPolicy&) = default;
};

/// The policy for a network with these anchors for which none was measured: that of the default
/// model, its sizes moved with the anchors. What concerns the largest faces keeps its ratio to the
/// largest anchor, what concerns the smallest to the smallest:
///
///     one_pass_side_px  5/4 largest    min_face_px     5/2 smallest
///     coarsest_side_px      largest    max_refined_px  3/2 smallest
///     max_face_px       7/8 largest    crop_margin_px  1/2 smallest
///     min_part_px       1/4 largest    same_face_px    1/2 smallest
///     scale_step        1/4 largest / smallest
///     enlarged_below_px 5/4 largest    max_enlarged_face_px 4 smallest
///
/// A crop has twice the smallest anchor as its side, rounded up to a quarter of the coarsest
/// stride, and is enlarged three times or, where that is no multiple of the coarsest stride, four:
/// crops lie side by side in one image, and each has to see the same anchors. Scores and shares of
/// work stay; faces that their points contradict are kept. The largest anchor must be at least
/// eight times the smallest; a row with others states a policy of its own.
SearchPolicy derived_search_policy(const AnchorFamily& anchors);

}  // namespace retinaface::models
