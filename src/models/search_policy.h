#pragma once

#include "retinaface/detector.h"

namespace retinaface::models {

struct AnchorFamily;

/// How a head is looked at again, turned, to have its points where it stands upright
/// (detection/turned_heads.h). The values here were measured for the default model
/// (reports/accuracy.md, Turned heads).
struct TurnedHeadPolicy {
  /// Side of a view, px of that view: a multiple of the network's coarsest stride, since views lie
  /// side by side in one image, and each has to see the same anchors.
  int view_px = 128;
  /// What a view shows, in longer sides of the face's box.
  float view_by_face = 2;
  /// Heads that score lower in a view are not taken from it.
  float min_score = 0.02F;
  /// The view without a turn is left for one that scores more by as much, in log odds.
  float clearly_better = 1;
  /// A head whose best view scores more than another by less, in log odds, may stand between two.
  float hardly_better = 2;
  /// A head is levelled from this roll on, radians.
  float min_roll = 0.26F;  // 15 degrees
  /// How often.
  int max_levelled = 2;
  /// A levelled view is not taken where it scores less by more, in log odds.
  float max_loss = 1;

  friend bool operator==(const TurnedHeadPolicy&, const TurnedHeadPolicy&) = default;
};

/// How large faces are looked at again, smaller (detection/large_face_check.h). The values here
/// were chosen with the default model on 93 faces of held-out training images, enlarged to 400 px
/// and more, and 63 false ones in made patterns: seen again, all of the false ones score below
/// 0.05, all of the faces over 0.2. Those of whom the network is not quite sure at first have to
/// score 0.3, which costs none of the 35 such faces, of 333 large ones, in training images
/// (reports/accuracy.md, In patterns).
struct LargeFacePolicy {
  /// Of faces of this size on, px of the image.
  float min_face_px = 256;
  /// Side of the view, px of that view.
  int view_px = 192;
  /// What a view shows, in longer sides of the face's box.
  float view_by_face = 2;
  /// What scores less in the view is no face.
  float min_score = 0.05F;
  /// The same for a face that scored less than `sure_score` at first.
  float min_score_of_unsure = 0.3F;
  float sure_score = 0.992F;
  /// A face in the view is the same from this overlap on.
  float min_iou = 0.4F;

  friend bool operator==(const LargeFacePolicy&, const LargeFacePolicy&) = default;
};

/// How faces of all sizes are looked for with a network whose anchors have a few: in smaller copies
/// of the image (detection/image_pyramid.h), in enlarged crops of it (detection/refinement.h), in
/// tiles (detection/tiles.h), and in views of what was found. Sizes of faces are those of the
/// longer side of their boxes. The values here were measured for the default model, whose anchors
/// have 16 to 512 px: the pyramid's on a portrait enlarged step by step (tests/any_size_test.cc),
/// of which faces up to about 480 px come out as one, and of larger ones parts as well.
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

  // The tiles.

  /// How many pixels at least a tile reaches over the part whose faces are taken from it, where
  /// there is more image: what the network sees around a face, and half of a large face.
  int tile_margin_px = 320;

  // What is looked at again.

  /// Whether faces that their points contradict are dropped (detection/plausibility.h) and large
  /// ones looked at again: the thresholds of the former were chosen by the default model's points.
  bool drops_implausible = false;
  LargeFacePolicy large = {};
  TurnedHeadPolicy turned = {};

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
/// work stay, and so do tiles and views; faces that their points contradict are kept. The largest
/// anchor must be at least eight times the smallest; a row with others states a policy of its own.
SearchPolicy derived_search_policy(const AnchorFamily& anchors);

}  // namespace retinaface::models
