#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace retinaface::evaluation {

/// A box as WIDER FACE writes it: left, top, width, height in pixels of the stored image.
///
/// WIDER's evaluator takes x + width for the last column that is still inside, and so every extent
/// is one larger there (wider_overlap). Our Box{x0, y0, x1, y1} is written as {x0, y0, x1 - x0,
/// y1 - y0}, as all published detectors do; the +1 is added in wider_overlap and nowhere else.
struct WiderBox {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;

  friend bool operator==(const WiderBox&, const WiderBox&) = default;
};

/// Intersection over union with WIDER's +1 on all extents; 0 where the boxes do not meet.
double wider_overlap(const WiderBox& a, const WiderBox& b);

struct Detection {
  WiderBox box;
  double score = 0;

  friend bool operator==(const Detection&, const Detection&) = default;
};

/// The score thresholds at which precision and recall are taken: 1 - t/1000 for t = 1 ... 1000, on
/// normalised scores.
inline constexpr int kThresholds = 1000;

/// A detection as the protocol sees it. Which faces count and how much overlap is asked for come
/// later, so one match serves all subsets and all IoU thresholds.
struct Match {
  double score = 0;
  double overlap = 0;      ///< with `face`
  std::int32_t face = -1;  ///< the face it overlaps most, the first of equals; -1: overlaps none
  /// The first (highest) threshold that the score passes, 0 to 999. Set by ScoreRange::place.
  std::int32_t threshold = -1;
};

/// The detections of one image by falling score, equal ones in the order given, each with the
/// face that it overlaps most.
std::vector<Match> match_faces(std::span<const WiderBox> faces,
                               std::span<const Detection> detections);

/// The lowest and highest score of a set of images: they become 0 and 1.
class ScoreRange {
 public:
  void include(double score);

  /// (score - lowest) / (highest - lowest). As in the official evaluator the highest is at least 0.
  /// Where all scores are equal, which the evaluator leaves undefined (0/0), it is 1: precision
  /// and recall are then the same at every threshold.
  double normalized(double score) const;

  /// Sets `threshold` of each match.
  void place(std::span<Match> matches) const;

 private:
  bool any_ = false;
  double lowest_ = 0;
  double highest_ = 0;
};

/// What the protocol makes of one detection.
enum class MatchOutcome : std::uint8_t {
  kFound,    ///< the first to find a face that counts
  kWrong,    ///< a false positive: no face, or one that is found already
  kIgnored,  ///< neither right nor wrong
};

/// Judges one image's matches, in falling order of score. A detection whose best face overlaps by
/// at least `min_overlap` and
///   - is counted and not yet found: finds it;
///   - is counted and found before: is wrong (one match per face);
///   - is not counted (`counted[face]` is 0): is ignored.
/// Any other detection is wrong, except in an image without a single annotated face, counted or
/// not, where all are ignored. One verdict per match.
std::vector<MatchOutcome> judge(std::span<const Match> matches,
                                std::span<const std::uint8_t> counted, double min_overlap);

/// What one image adds to the curve at one threshold and at all that follow.
struct Step {
  std::int32_t threshold = 0;
  std::int32_t detections = 0;  ///< that count, right or wrong
  std::int32_t found = 0;       ///< faces found for the first time

  friend bool operator==(const Step&, const Step&) = default;
};

/// The judged matches, placed, summed by threshold: by rising threshold, at most one step each.
std::vector<Step> steps_of(std::span<const Match> matches, std::span<const std::uint8_t> counted,
                           double min_overlap);

}  // namespace retinaface::evaluation
