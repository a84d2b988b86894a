#include "retinaface/tracker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "base/check.h"
#include "geometry/box.h"
#include "tracking/matching.h"
#include "tracking/motion.h"

namespace retinaface {
class Tracker::Implementation {
 public:
  explicit Implementation(const TrackerOptions& options) : options_(options) {
    if (!(options.min_score >= 0 && options.min_score <= 1)) {
      fail(ErrorCode::kInvalidArgument, "min_score: expected 0 to 1, found {}", options.min_score);
    }
    if (!(options.max_absence_s >= 0)) {
      fail(ErrorCode::kInvalidArgument, "max_absence_s: expected 0 or more, found {}",
           options.max_absence_s);
    }
  }

  std::vector<std::int64_t> update(std::span<const Face> faces, double time_s) {
    constexpr Step kSteps[] = {
        {.sure = true, .only_present = false, .growth = 0, .min_iou = 0.3F},
        {.sure = false, .only_present = true, .growth = 0, .min_iou = 0.5F},
        {.sure = true, .only_present = false, .growth = 0.5F, .min_iou = 0.15F}};
    check_boxes(faces);
    advance(time_s);
    std::vector<int> track_of(faces.size(), -1);
    std::vector<bool> is_found(tracks_.size(), false);
    for (const Step& step : kSteps) match(step, faces, track_of, is_found);

    std::vector<std::int64_t> numbers(faces.size(), 0);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      if (track_of[i] >= 0) {
        Track& track = tracks_[static_cast<std::size_t>(track_of[i])];
        track.motion.update(faces[i].box);
        track.seen_s = time_s_;
        track.frames_since_seen = 0;
        numbers[i] = track.number;
      } else if (faces[i].score >= options_.min_score) {
        tracks_.push_back({++last_number_, tracking::FaceMotion(faces[i].box), time_s_});
        numbers[i] = last_number_;
      }
    }
    return numbers;
  }

  void resume(std::span<const Face> faces, std::span<const std::int64_t> tracks, double time_s,
              std::int64_t highest) {
    if (faces.size() != tracks.size()) {
      fail(ErrorCode::kInvalidArgument, "tracks: expected as many as faces, {}, found {}",
           faces.size(), tracks.size());
    }
    check_boxes(faces);
    advance(time_s);
    last_number_ = std::max(last_number_, highest);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      if (tracks[i] <= 0) continue;
      last_number_ = std::max(last_number_, tracks[i]);
      tracks_.push_back({tracks[i], tracking::FaceMotion(faces[i].box), time_s_});
    }
  }

 private:
  struct Track {
    std::int64_t number;
    tracking::FaceMotion motion;
    double seen_s;
    int frames_since_seen = 0;
  };

  /// One of the steps: which faces and tracks take part and how alike they must be.
  struct Step {
    bool sure;          ///< faces from min_score on, or those below
    bool only_present;  ///< only tracks that were there in the frame before
    float growth;       ///< of the boxes, before they are compared
    float min_iou;
  };

  static void check_boxes(std::span<const Face> faces) {
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const Box& box = faces[i].box;
      const auto is_finite = [](float value) { return std::isfinite(value); };
      if (std::ranges::all_of(std::array{box.x0, box.y0, box.x1, box.y1, faces[i].score},
                              is_finite)) {
        continue;
      }
      fail(ErrorCode::kInvalidArgument,
           "faces[{}]: expected a box and a score of finite numbers, found {}, {}, {}, {} and {}",
           i, box.x0, box.y0, box.x1, box.y1, faces[i].score);
    }
  }

  void advance(double time_s) {
    const double seconds = std::isfinite(time_s) ? std::max(0.0, time_s - time_s_) : 0;
    time_s_ += seconds;
    constexpr int kFewFrames = 3;
    std::erase_if(tracks_, [&](const Track& track) {
      return track.frames_since_seen >= kFewFrames &&
             time_s_ - track.seen_s > options_.max_absence_s;
    });
    for (Track& track : tracks_) {
      track.motion.predict(seconds);
      ++track.frames_since_seen;
    }
  }

  void match(const Step& step, std::span<const Face> faces, std::vector<int>& track_of,
             std::vector<bool>& is_found) const {
    // By their left edges, so that not all are compared with all.
    struct Entry {
      Box box;
      int number;
    };
    std::vector<Entry> open;
    for (std::size_t i = 0; i < faces.size(); ++i) {
      if (track_of[i] >= 0 || (faces[i].score >= options_.min_score) != step.sure) continue;
      open.push_back({grown(faces[i].box, step.growth), static_cast<int>(i)});
    }
    std::ranges::sort(open, {}, [](const Entry& entry) { return entry.box.x0; });
    std::vector<tracking::Candidate> candidates;
    for (std::size_t t = 0; t < tracks_.size(); ++t) {
      if (is_found[t] || (step.only_present && tracks_[t].frames_since_seen > 1)) continue;
      const Box expected = grown(tracks_[t].motion.box(), step.growth);
      for (const Entry& entry : open) {
        if (entry.box.x0 >= expected.x1) break;
        const float alike = iou(entry.box, expected);
        if (alike >= step.min_iou) candidates.push_back({entry.number, static_cast<int>(t), alike});
      }
    }
    const std::vector<int> pairs = tracking::best_pairs(
        static_cast<int>(faces.size()), static_cast<int>(tracks_.size()), candidates);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      if (pairs[i] < 0) continue;
      track_of[i] = pairs[i];
      is_found[static_cast<std::size_t>(pairs[i])] = true;
    }
  }

  TrackerOptions options_;
  std::vector<Track> tracks_;
  std::int64_t last_number_ = 0;
  double time_s_ = 0;
};

Tracker::Tracker(const TrackerOptions& options)
    : implementation_(std::make_unique<Implementation>(options)) {}

Tracker::~Tracker() = default;
Tracker::Tracker(Tracker&&) noexcept = default;
Tracker& Tracker::operator=(Tracker&&) noexcept = default;

std::vector<std::int64_t> Tracker::update(ArrayView<Face> faces, double time_s) {
  return implementation_->update(faces, time_s);
}

void Tracker::resume(ArrayView<Face> faces, ArrayView<std::int64_t> tracks, double time_s,
                     std::int64_t highest) {
  implementation_->resume(faces, tracks, time_s, highest);
}

}  // namespace retinaface
