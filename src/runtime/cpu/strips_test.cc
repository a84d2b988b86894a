#include "runtime/cpu/strips.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "models/catalogue.h"
#include "runtime/cpu/plan_cache.h"
#include "runtime/cpu/session.h"
#include "runtime/kernels/kernels.h"
#include "runtime/testing.h"

namespace retinaface::runtime::cpu {
namespace {

/// A sum in place, a convolution, one of two results, and what reads all of both: as the heads of a
/// pyramid's level.
std::vector<StripLayer> branching_layers() {
  return {{.reads = {}, .writes = {0}},
          {.reads = {0}, .writes = {0}},
          {.reads = {0}, .writes = {1}, .reach = 1, .rows_at_once = 12},
          {.reads = {1}, .writes = {2, 3}, .reach = 1, .rows_at_once = 12},
          {.reads = {3}, .writes = {2}, .reach = 1, .rows_at_once = 12},
          {.reads = {2}, .writes = {4}}};
}

constexpr std::size_t kMaps = 5;

// Plays the turns on rings that know which row each of their places holds, and how far it is.
TEST(Strips, EachRowIsThereWhenItIsReadAndUntilThen) {
  const std::vector<StripLayer> layers = branching_layers();
  for (const std::int64_t height : {1, 4, 5, 12, 13, 29, 61, 270}) {
    const std::vector<StripTurn> turns = take_turns(layers, height);
    const std::vector<std::int64_t> rings = ring_rows(layers, turns, kMaps, height);
    EXPECT_EQ(rings[2], rings[3]);  // of one layer
    // By map, by place: the row, and how many layers have written it.
    std::vector<std::vector<std::pair<std::int64_t, int>>> places;
    for (const std::int64_t rows : rings) {
      EXPECT_LE(rows, height);
      EXPECT_TRUE(rows % 4 == 0 || rows == height);
      places.emplace_back(static_cast<std::size_t>(rows), std::pair{std::int64_t{-1}, 0});
    }
    const auto at = [&](std::size_t map, std::int64_t row) -> auto& {
      return places[map][static_cast<std::size_t>(row % rings[map])];
    };
    const auto writers_before = [&](std::size_t map, std::size_t layer) {
      return std::ranges::count_if(layers.begin(),
                                   layers.begin() + static_cast<std::ptrdiff_t>(layer),
                                   [&](const StripLayer& l) { return l.writes.contains(map); });
    };
    std::vector<std::int64_t> done(layers.size());
    for (const auto& [i, rows] : turns) {
      const StripLayer& layer = layers[i];
      ASSERT_EQ(rows.begin, done[i]);
      ASSERT_LT(rows.begin, rows.end);
      done[i] = rows.end;
      for (const std::size_t map : layer.reads) {
        const std::int64_t first = std::max<std::int64_t>(0, rows.begin - layer.reach);
        for (std::int64_t y = first; y < std::min(height, rows.end + layer.reach); ++y) {
          ASSERT_EQ(at(map, y), (std::pair{y, static_cast<int>(writers_before(map, i))}))
              << "layer " << i << " of " << height << " rows reads row " << y << " of map " << map;
        }
      }
      for (const std::size_t map : layer.writes) {
        for (std::int64_t y = rows.begin; y < rows.end; ++y) {
          auto& [row, writers] = at(map, y);
          writers = row == y ? writers + 1 : 1;
          row = y;
        }
      }
    }
    EXPECT_EQ(done, std::vector<std::int64_t>(layers.size(), height));
  }
}

TEST(Strips, OfMapsBetweenLayersFewRowsAreThere) {
  const std::vector<StripLayer> layers = branching_layers();
  for (const std::int64_t rows : ring_rows(layers, take_turns(layers, 4000), kMaps, 4000)) {
    EXPECT_LE(rows, 48);
  }
}

// To the bit: the same products in the same order, of rows that lie elsewhere.
TEST(Strips, YieldWhatWholeMapsYield) {
  for (const char* name : {"mnet025", "shallow-700m"}) {
    for (const graph::DataType type : {graph::DataType::kFloat32, graph::DataType::kBFloat16}) {
      if (own_kernels(type) == nullptr) continue;
      const graph::Graph graph = models::find_model(name).network.build();
      const graph::Weights weights = testing::lively_weights(graph, 5);
      const auto lowered = [&] {
        return lower(graph, weights, {.block = own_kernels()->block, .add_upsampled = true});
      };
      const PlanCache whole(lowered(), type, std::int64_t{1} << 40);
      const PlanCache strips(lowered(), type, 0);
      for (const auto& [width, height] : {std::pair{33, 20}, {200, 97}, {610, 530}}) {
        CpuSession in_strips(strips);
        CpuSession in_wholes(whole);
        EXPECT_EQ(testing::outputs_for_noise(graph, in_strips, height, width, 7),
                  testing::outputs_for_noise(graph, in_wholes, height, width, 7))
            << name << " " << graph::to_string(type) << " " << width << "x" << height;
        const auto is_strips = [](const Call& call) {
          return call.implementation.starts_with("own:strips");
        };
        EXPECT_GT(std::ranges::count_if(strips.plan(height, width)->calls, is_strips), 0);
        EXPECT_EQ(std::ranges::count_if(whole.plan(height, width)->calls, is_strips), 0);
      }
      EXPECT_LT(strips.plan(2160, 4096, true)->arena_bytes,
                whole.plan(2160, 4096, true)->arena_bytes / 10 * 9);
    }
  }
}

}  // namespace
}  // namespace retinaface::runtime::cpu
