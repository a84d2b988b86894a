#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "retinaface/face.h"
#include "retinaface/image.h"

#include "models/load_model.h"
#include "runtime/backend.h"
#include "runtime/session_pool.h"

namespace retinaface::detection {

/// Looks for faces by a cascade of networks (models::CascadeSpec; Zhang et al. 2016). Steps, all in
/// pixels of the image with half-open boxes, so that no 1 is added anywhere:
///
/// 1. Each level of the image pyramid goes through the first network. Cell (i, j) is the window
///    [stride i, stride i + window) of the level; those of at least min_window_score are suppressed
///    among their level, by max_level_iou, then among all levels, by max_iou, both as intersection
///    over union of what is not calibrated yet.
/// 2. What stays is calibrated: each side moves by the network's share of the width or height. It
///    becomes the square with the same centre, of the longer side, whose left and upper edge and
///    side are rounded to whole pixels.
/// 3. A stage sees the squares scaled to its side, black where they reach beyond the image; keeps
///    those of at least its score; suppresses them by max_iou; calibrates and squares as in 2.
/// 4. The last stage calibrates without squaring, places the points in its own square, and
///    suppresses the calibrated boxes by what they share over the smaller one's area.
///
/// Squares without a pixel of the image, and those over twice as large as its shorter side, which
/// would show next to nothing of it, are dropped. Immutable; safe for several threads.
class Cascade {
 public:
  /// The stages of a model that has a cascade and outlives this; its first network is the caller's.
  /// `options` and `backend` as runtime::BackendRegistry::make takes them. Levels go through the
  /// first network in bands of rows of about `band_px` pixels, which bounds the memory; what is
  /// found does not depend on it.
  Cascade(const models::LoadedModel& model, const std::string& backend,
          const runtime::NetworkOptions& options, std::int64_t band_px = std::int64_t{1} << 20);

  /// Faces of at least `min_score` by falling score. `windows` is a session of the model's own
  /// network, the first of the cascade.
  std::vector<Face> find(runtime::Session& windows, const ImageView& image, float min_score) const;

  /// runtime::Network::differences of the stages, the outputs' names with the stage before them:
  /// "stage1.score".
  std::vector<runtime::OutputDifference> differences() const;

 private:
  struct Candidate;
  struct Square;

  std::vector<Candidate> find_windows(runtime::Session& session, const ImageView& level) const;
  std::vector<Candidate> find_at_all_levels(runtime::Session& session,
                                            const ImageView& image) const;
  static std::vector<Square> squares_of(const std::vector<Candidate>& candidates,
                                        const ImageView& image);
  std::vector<Candidate> run_stage(std::size_t stage, const ImageView& image,
                                   const std::vector<Square>& squares, float min_score) const;

  const models::Model& model_;
  const models::CascadeSpec& spec_;
  /// Where a network has its outputs among those of its graph; -1 for what it lacks.
  struct Outputs {
    explicit Outputs(const graph::Graph& graph);
    int score = -1;
    int box = -1;
    int landmarks = -1;
  };
  std::int64_t band_px_;
  Outputs window_outputs_;
  std::vector<Outputs> stage_outputs_;
  mutable std::vector<std::unique_ptr<runtime::SessionPool>> stages_;
};

}  // namespace retinaface::detection
