#include "detection/cascade.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/logistic.h"
#include "detection/nms.h"
#include "detection/preprocess.h"
#include "detection/stage_times.h"
#include "geometry/box.h"
#include "image/convert.h"
#include "image/resize.h"
#include "models/heads.h"
#include "runtime/backends/backends.h"

namespace retinaface::detection {

/// What a network has let through.
struct Cascade::Candidate {
  float score = 0;
  Box box;                        ///< what the network saw
  std::array<float, 4> offset{};  ///< of its four sides, in shares of width and height
  Landmarks landmarks{};

  Box calibrated() const {
    const float w = box.width();
    const float h = box.height();
    return {box.x0 + offset[0] * w, box.y0 + offset[1] * h, box.x1 + offset[2] * w,
            box.y1 + offset[3] * h};
  }
};

/// Pixels of the image, and perhaps beyond.
struct Cascade::Square {
  int x = 0;
  int y = 0;
  int side = 0;

  /// That of a box: its centre, its longer side. None for one that is dropped (cascade.h).
  static std::optional<Square> around(const Box& box, const ImageView& image) {
    const float side = std::max(box.width(), box.height());
    const auto limit = static_cast<float>(2 * std::min(image.width, image.height));
    if (!(side >= 1 && side <= limit)) return std::nullopt;
    const Point center = box.center();
    const float x = center.x - side / 2;
    const float y = center.y - side / 2;
    // Before it is rounded, which far outside no integer could hold.
    const bool touches = x + side > 0 && y + side > 0 && x < static_cast<float>(image.width) &&
                         y < static_cast<float>(image.height);
    if (!touches) return std::nullopt;
    const Square square = {static_cast<int>(std::lround(x)), static_cast<int>(std::lround(y)),
                           static_cast<int>(std::lround(side))};
    const bool shows = square.x < image.width && square.y < image.height &&
                       square.x + square.side > 0 && square.y + square.side > 0;
    return shows ? std::optional(square) : std::nullopt;
  }

  Box box() const {
    return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + side),
            static_cast<float>(y + side)};
  }
};

namespace {

/// Squares that a stage sees at once.
constexpr std::size_t kBatch = 64;

float face_probability(const runtime::FeatureMap& logits, std::int64_t cell) {
  const float none = logits.channel(0)[cell * logits.block];
  const float face = logits.channel(1)[cell * logits.block];
  return sigmoid(face - none);
}

template <typename Candidate>
void sort_by_score(std::vector<Candidate>& candidates) {
  std::ranges::stable_sort(candidates, std::ranges::greater(), &Candidate::score);
}

template <typename Candidate, typename BoxOf, typename Keep>
void keep(std::vector<Candidate>& candidates, const BoxOf& box_of, const Keep& places) {
  std::vector<Box> boxes;
  for (const Candidate& candidate : candidates) boxes.push_back(box_of(candidate));
  std::vector<Candidate> kept;
  for (const std::size_t i : places(boxes)) kept.push_back(candidates[i]);
  candidates = std::move(kept);
}

/// Greedily from the best one down.
template <typename Candidate>
void suppress(std::vector<Candidate>& candidates, float max_iou) {
  sort_by_score(candidates);
  keep(
      candidates, [](const Candidate& candidate) { return candidate.box; },
      [&](const std::vector<Box>& boxes) { return keep_apart(boxes, max_iou); });
}

/// The pixels of a square, black where there is no image.
Image cut_out(const ImageView& image, int x, int y, int side) {
  Image result(side, side);
  const int x0 = std::max(x, 0);
  const int x1 = std::min(x + side, image.width);
  const int y1 = std::min(y + side, image.height);
  const auto left = static_cast<std::size_t>(x0 - x);
  for (int row = std::max(y, 0); row < y1; ++row) {
    copy_row_as_rgb(part_of(image, x0, row, x1 - x0, 1), 0,
                    {result.row(row - y) + 3 * left, 3 * static_cast<std::size_t>(x1 - x0)});
  }
  return result;
}

Image scaled_square(const ImageView& image, int x, int y, int side, int target) {
  const StageTimer timer(&StageTimes::resize_ms);
  const bool inside = x >= 0 && y >= 0 && x + side <= image.width && y + side <= image.height;
  if (inside) return resize(part_of(image, x, y, side, side), target, target);
  return resize(cut_out(image, x, y, side), target, target);
}

/// Throws Error where a network yields other maps than its description says, which only those of
/// untried sizes can.
void check_maps(const runtime::FeatureMap& score, const runtime::FeatureMap& box,
                const models::Model& model) {
  if (score.height == box.height && score.width == box.width) return;
  fail(ErrorCode::kBadData,
       "{}: expected scores and boxes of the same windows, found {}x{} and {}x{}", model.name,
       score.width, score.height, box.width, box.height);
}

}  // namespace

Cascade::Outputs::Outputs(const graph::Graph& graph)
    : score(graph.find_output(models::kind_of(models::HeadMeaning::kScore).name)),
      box(graph.find_output(models::kind_of(models::HeadMeaning::kBox).name)),
      landmarks(graph.find_output(models::kind_of(models::HeadMeaning::kLandmarks).name)) {
  RF_CHECK(score >= 0 && box >= 0);
}

Cascade::Cascade(const models::LoadedModel& model, const std::string& backend,
                 const runtime::NetworkOptions& options, std::int64_t band_px)
    : model_(*model.model),
      spec_(*model.model->find_cascade()),
      band_px_(band_px),
      window_outputs_(model.graph) {
  for (const models::CascadeStage& stage : spec_.stages) {
    const graph::Graph graph = stage.build();
    stage_outputs_.emplace_back(graph);
    stages_.push_back(std::make_unique<runtime::SessionPool>(
        runtime::backends().make(graph, model.weights, backend, options)));
  }
}

std::vector<runtime::OutputDifference> Cascade::differences() const {
  std::vector<runtime::OutputDifference> all;
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    for (runtime::OutputDifference& difference : stages_[stage]->network().differences()) {
      difference.output = fmt::format("stage{}.{}", stage + 1, difference.output);
      all.push_back(std::move(difference));
    }
  }
  return all;
}

std::vector<Cascade::Candidate> Cascade::find_windows(runtime::Session& session,
                                                      const ImageView& level) const {
  std::vector<Candidate> windows;
  const std::int64_t stride = spec_.window_stride_px;
  const std::int64_t overlap = spec_.window_px - stride;
  const std::int64_t band_rows =
      std::max(band_px_ / level.width / stride, std::int64_t{1}) * stride;
  for (std::int64_t first = 0; first + spec_.window_px <= level.height; first += band_rows) {
    const auto rows = static_cast<int>(std::min(level.height - first, band_rows + overlap));
    const ImageView band = part_of(level, 0, static_cast<int>(first), level.width, rows);
    {
      const StageTimer timer(&StageTimes::prepare_ms);
      preprocess(band, model_.network.preprocessing, session.input(1, rows, level.width).values());
    }
    {
      const StageTimer timer(&StageTimes::forward_ms);
      session.run();
    }
    const StageTimer timer(&StageTimes::decode_ms);
    const runtime::FeatureMap score =
        session.output(static_cast<std::size_t>(window_outputs_.score));
    const runtime::FeatureMap box = session.output(static_cast<std::size_t>(window_outputs_.box));
    check_maps(score, box, model_);
    for (std::int64_t cell = 0; cell < score.cells(); ++cell) {
      Candidate candidate = {.score = face_probability(score, cell), .box = {}};
      if (!(candidate.score >= spec_.min_window_score)) continue;
      const std::int64_t row = cell / score.width;
      const auto x = static_cast<float>(stride * (cell % score.width));
      const auto y = static_cast<float>(first + stride * row);
      const auto side = static_cast<float>(spec_.window_px);
      candidate.box = {x, y, x + side, y + side};
      for (std::size_t i = 0; i < 4; ++i) {
        candidate.offset[i] = box.channel(static_cast<std::int64_t>(i))[cell * box.block];
      }
      windows.push_back(candidate);
    }
  }
  return windows;
}

std::vector<Cascade::Candidate> Cascade::run_stage(std::size_t stage, const ImageView& image,
                                                   const std::vector<Square>& squares,
                                                   float min_score) const {
  const int side = spec_.stages[stage].side_px;
  const Outputs& outputs = stage_outputs_[stage];
  const runtime::SessionLease session(*stages_[stage]);
  std::vector<Candidate> kept;
  for (std::size_t first = 0; first < squares.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, squares.size() - first);
    const runtime::InputMap input = session->input(static_cast<std::int64_t>(count), side, side);
    for (std::size_t i = 0; i < count; ++i) {
      const Square& square = squares[first + i];
      const Image seen = scaled_square(image, square.x, square.y, square.side, side);
      const StageTimer timer(&StageTimes::prepare_ms);
      preprocess(seen, model_.network.preprocessing, input.image(static_cast<std::int64_t>(i)));
    }
    {
      const StageTimer timer(&StageTimes::forward_ms);
      session->run();
    }
    const StageTimer timer(&StageTimes::decode_ms);
    for (std::size_t i = 0; i < count; ++i) {
      const auto map = [&](int output) {
        return session->output(static_cast<std::size_t>(output))
            .image(static_cast<std::int64_t>(i));
      };
      Candidate candidate = {.score = face_probability(map(outputs.score), 0),
                             .box = squares[first + i].box()};
      if (!(candidate.score >= min_score)) continue;
      const runtime::FeatureMap box = map(outputs.box);
      for (std::size_t k = 0; k < 4; ++k) {
        candidate.offset[k] = *box.channel(static_cast<std::int64_t>(k));
      }
      if (outputs.landmarks >= 0) {
        const runtime::FeatureMap shares = map(outputs.landmarks);
        for (std::size_t k = 0; k < candidate.landmarks.size(); ++k) {
          const auto x = static_cast<std::int64_t>(k);
          const auto y = static_cast<std::int64_t>(k + candidate.landmarks.size());
          candidate.landmarks[k] = {candidate.box.x0 + *shares.channel(x) * candidate.box.width(),
                                    candidate.box.y0 + *shares.channel(y) * candidate.box.height()};
        }
      }
      kept.push_back(candidate);
    }
  }
  return kept;
}

std::vector<Cascade::Candidate> Cascade::find_at_all_levels(runtime::Session& session,
                                                            const ImageView& image) const {
  std::vector<Candidate> candidates;
  for (const models::CascadeLevel& level :
       models::cascade_levels(spec_, image.width, image.height)) {
    if (level.width > kMaxImageSide || level.height > kMaxImageSide) {
      fail(ErrorCode::kTooLarge,
           "image: {}x{} pixels: the cascade sees it at {}x{}; no side may be "
           "over {}",
           image.width, image.height, level.width, level.height, kMaxImageSide);
    }
    const Image resized = [&] {
      const StageTimer timer(&StageTimes::resize_ms);
      return resize(image, level.width, level.height);
    }();
    std::vector<Candidate> windows = find_windows(session, resized);
    const StageTimer timer(&StageTimes::suppress_ms);
    suppress(windows, spec_.max_level_iou);
    const float x = static_cast<float>(image.width) / static_cast<float>(level.width);
    const float y = static_cast<float>(image.height) / static_cast<float>(level.height);
    for (Candidate& window : windows) {
      window.box = {window.box.x0 * x, window.box.y0 * y, window.box.x1 * x, window.box.y1 * y};
    }
    candidates.insert(candidates.end(), windows.begin(), windows.end());
  }
  return candidates;
}

std::vector<Cascade::Square> Cascade::squares_of(const std::vector<Candidate>& candidates,
                                                 const ImageView& image) {
  std::vector<Square> squares;
  for (const Candidate& candidate : candidates) {
    if (const auto square = Square::around(candidate.calibrated(), image)) {
      squares.push_back(*square);
    }
  }
  return squares;
}

std::vector<Face> Cascade::find(runtime::Session& windows, const ImageView& image,
                                float min_score) const {
  std::vector<Candidate> candidates = find_at_all_levels(windows, image);
  {
    const StageTimer timer(&StageTimes::suppress_ms);
    suppress(candidates, spec_.max_iou);
  }
  for (std::size_t stage = 0; stage < spec_.stages.size(); ++stage) {
    const bool is_last = stage + 1 == spec_.stages.size();
    candidates = run_stage(stage, image, squares_of(candidates, image),
                           is_last ? min_score : spec_.stages[stage].min_score);
    if (is_last) break;
    const StageTimer timer(&StageTimes::suppress_ms);
    suppress(candidates, spec_.max_iou);
  }
  const StageTimer timer(&StageTimes::suppress_ms);
  sort_by_score(candidates);
  keep(
      candidates, [](const Candidate& candidate) { return candidate.calibrated(); },
      [&](const std::vector<Box>& boxes) {
        return keep_uncovered(boxes, spec_.max_share_of_smaller);
      });
  std::vector<Face> faces;
  for (const Candidate& candidate : candidates) {
    faces.push_back({.score = candidate.score,
                     .box = candidate.calibrated(),
                     .landmarks = candidate.landmarks});
  }
  return faces;
}

}  // namespace retinaface::detection
