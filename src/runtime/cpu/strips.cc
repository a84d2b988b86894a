#include "runtime/cpu/strips.h"

#include <algorithm>
#include <utility>

namespace retinaface::runtime::cpu {
namespace {

class Turns {
 public:
  Turns(std::span<const StripLayer> layers, std::int64_t height)
      : layers_(layers), height_(height), done_(layers.size()) {}

  std::vector<StripTurn> take() {
    for (std::int64_t end = 0; end < height_;) {
      end = std::min(height_, end + kStripRows);
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        if (!is_read(i)) run_until(i, end);
      }
    }
    return std::move(turns_);
  }

 private:
  /// Whether a later layer waits for this one.
  bool is_read(std::size_t i) const {
    for (std::size_t later = i + 1; later < layers_.size(); ++later) {
      if (waits_for(later, i)) return true;
    }
    return false;
  }
  bool waits_for(std::size_t later, std::size_t earlier) const {
    return std::ranges::any_of(layers_[earlier].writes,
                               [&](std::size_t map) { return layers_[later].reads.contains(map); });
  }

  void run_until(std::size_t i, std::int64_t end) {
    while (done_[i] < end) {
      const kernels::RowRange rows = {done_[i],
                                      std::min(height_, done_[i] + layers_[i].rows_at_once)};
      for (std::size_t earlier = 0; earlier < i; ++earlier) {
        if (waits_for(i, earlier)) {
          run_until(earlier, std::min(height_, rows.end + layers_[i].reach));
        }
      }
      turns_.push_back({i, rows});
      done_[i] = rows.end;
    }
  }

  std::span<const StripLayer> layers_;
  std::int64_t height_;
  std::vector<std::int64_t> done_;
  std::vector<StripTurn> turns_;
};

}  // namespace

std::vector<StripTurn> take_turns(std::span<const StripLayer> layers, std::int64_t height) {
  return Turns(layers, height).take();
}

std::vector<std::int64_t> ring_rows(std::span<const StripLayer> layers,
                                    std::span<const StripTurn> turns, std::size_t maps,
                                    std::int64_t height) {
  std::vector<std::int64_t> rows(maps);
  std::vector<std::int64_t> done(layers.size());
  for (const StripTurn& turn : turns) {
    for (const std::size_t map : layers[turn.layer].writes) {
      std::int64_t newest = turn.rows.end;
      std::int64_t oldest = height;
      for (std::size_t i = 0; i < layers.size(); ++i) {
        if (layers[i].writes.contains(map)) newest = std::max(newest, done[i]);
        if (layers[i].reads.contains(map) && done[i] < height) {
          oldest = std::min(oldest, std::max<std::int64_t>(0, done[i] - layers[i].reach));
        }
      }
      rows[map] = std::max(rows[map], newest - std::min(oldest, turn.rows.begin));
    }
    done[turn.layer] = turn.rows.end;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const StripLayer& layer : layers) {
      std::int64_t most = 0;
      for (const std::size_t map : layer.writes) most = std::max(most, rows[map]);
      most = std::min(height,
                      (most + layer.rows_at_once - 1) / layer.rows_at_once * layer.rows_at_once);
      for (const std::size_t map : layer.writes) {
        changed = changed || rows[map] < most;
        rows[map] = std::max(rows[map], most);
      }
    }
  }
  return rows;
}

}  // namespace retinaface::runtime::cpu
