#include "mesh/triangle_filter.h"

#include "base/check.h"
#include "base/simd.h"

// Compiled once for each instruction set; the best one is chosen when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mesh/triangle_filter.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retinaface::mesh::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// `vertices` are x, y and z in turn, `triangles` three vertices in turn.
std::size_t filter_triangles(const float* vertices, const std::uint16_t* triangles,
                             std::size_t count, float width, float height, std::uint16_t* kept) {
  constexpr std::size_t kMaxLanes = 16;
  const hn::CappedTag<float, kMaxLanes> tag;
  const hn::Rebind<std::int32_t, decltype(tag)> index_tag;
  const std::size_t lanes = hn::Lanes(tag);
  HWY_ALIGN std::int32_t places[3][kMaxLanes] = {};
  const auto zero = hn::Zero(tag);
  const auto half = hn::Set(tag, 0.5F);
  // Of a pixel: what coordinates are rounded by.
  const auto slack = hn::Set(tag, 1e-3F);
  std::size_t found = 0;
  for (std::size_t first = 0; first < count; first += lanes) {
    const std::size_t used = HWY_MIN(lanes, count - first);
    for (std::size_t i = 0; i < used; ++i) {
      for (std::size_t k = 0; k < 3; ++k) places[k][i] = 3 * triangles[3 * (first + i) + k];
    }
    const auto a = hn::Load(index_tag, places[0]);
    const auto b = hn::Load(index_tag, places[1]);
    const auto c = hn::Load(index_tag, places[2]);
    const auto ax = hn::GatherIndex(tag, vertices, a);
    const auto ay = hn::GatherIndex(tag, vertices + 1, a);
    const auto bx = hn::GatherIndex(tag, vertices, b);
    const auto by = hn::GatherIndex(tag, vertices + 1, b);
    const auto cx = hn::GatherIndex(tag, vertices, c);
    const auto cy = hn::GatherIndex(tag, vertices + 1, c);
    const auto one = hn::Mul(hn::Sub(cx, ax), hn::Sub(by, ay));
    const auto other = hn::Mul(hn::Sub(bx, ax), hn::Sub(cy, ay));
    // Twice the area is one - other, and not over 0 where the back shows; but for what is rounded.
    const auto is_front = hn::Gt(
        hn::MulAdd(hn::Set(tag, 1e-5F), hn::Add(hn::Abs(one), hn::Abs(other)), hn::Sub(one, other)),
        zero);
    // The first and the last pixel's centre that the triangle's box may hold, of those there are.
    const auto holds_center = [&](auto p, auto q, auto r, float size) {
      const auto low = hn::Max(hn::Sub(hn::Min(hn::Min(p, q), r), slack), zero);
      const auto high = hn::Min(hn::Add(hn::Max(hn::Max(p, q), r), slack), hn::Set(tag, size));
      return hn::Le(hn::Add(hn::Ceil(hn::Sub(low, half)), half), high);
    };
    const auto is_kept = hn::And(
        is_front, hn::And(holds_center(ax, bx, cx, width), holds_center(ay, by, cy, height)));
    HWY_ALIGN std::uint8_t bits[8] = {};
    hn::StoreMaskBits(tag, is_kept, bits);
    for (std::size_t i = 0; i < used; ++i) {
      kept[found] = static_cast<std::uint16_t>(first + i);
      found += (bits[i / 8] >> (i % 8)) & 1U;
    }
  }
  return found;
}

}  // namespace retinaface::mesh::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace retinaface::mesh {

std::size_t filter_triangles(std::span<const Vector> vertices,
                             std::span<const std::array<std::uint16_t, 3>> triangles, int width,
                             int height, std::span<std::uint16_t> kept) {
  RF_CHECK(kept.size() >= triangles.size() && triangles.size() <= 65536);
  if (triangles.empty()) return 0;
  return RF_SIMD_VARIANT(filter_triangles)(&vertices.front().x, triangles.front().data(),
                                           triangles.size(), static_cast<float>(width),
                                           static_cast<float>(height), kept.data());
}

}  // namespace retinaface::mesh

#endif  // HWY_ONCE
