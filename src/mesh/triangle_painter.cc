#include "mesh/triangle_painter.h"

#include <algorithm>

#include "base/check.h"
#include "base/simd.h"

// Compiled once for each instruction set; the best one is chosen when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mesh/triangle_painter.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retinaface::mesh::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Without branches, which std::min of a list has, and which no processor foresees here.
HWY_INLINE float min_of(float a, float b, float c) {
  return HWY_MIN(HWY_MIN(a, b), c);
}

/// The first pixel whose centre is at `x` or beyond, x >= 0. Without std::ceil, a call on
/// processors before SSE 4.1, which most triangles would spend more on than on their pixels.
HWY_INLINE int first_center(float x) {
  const int whole = static_cast<int>(x);
  return whole + (x - static_cast<float>(whole) > 0.5F ? 1 : 0);
}

/// The last pixel whose centre is at `x` or before.
HWY_INLINE int last_center(float x) {
  const int whole = static_cast<int>(x);
  return whole - (x - static_cast<float>(whole) < 0.5F ? 1 : 0);
}

/// `vertices` are x, y and z in turn, `triangles` three vertices in turn.
void paint_triangles(const float* vertices, const std::uint16_t* triangles,
                     const std::uint16_t* chosen, std::size_t count, int width, int height,
                     const PaintedRows& rows) {
  const hn::CappedTag<float, PaintedRows::kRoom> tag;
  const hn::RebindToSigned<decltype(tag)> index_tag;
  const int lanes = static_cast<int>(hn::Lanes(tag));
  const auto zero = hn::Zero(tag);
  const auto one = hn::Set(tag, 1.0F);
  const auto centers = hn::Iota(tag, 0.5F);
  for (std::size_t k = 0; k < count; ++k) {
    const std::uint16_t* const t = triangles + 3 * std::size_t{chosen[k]};
    const float* const a = vertices + 3 * std::size_t{t[0]};
    const float* const b = vertices + 3 * std::size_t{t[1]};
    const float* const c = vertices + 3 * std::size_t{t[2]};
    // Counter-clockwise for the viewer is this sign where y points down.
    const float area = (c[0] - a[0]) * (b[1] - a[1]) - (b[0] - a[0]) * (c[1] - a[1]);
    if (!(area > 1e-9F)) continue;
    const float x_min = min_of(a[0], b[0], c[0]);
    const float y_min = min_of(a[1], b[1], c[1]);
    const float x_max = -min_of(-a[0], -b[0], -c[0]);
    const float y_max = -min_of(-a[1], -b[1], -c[1]);
    if (!(x_max > 0 && y_max > 0 && x_min < static_cast<float>(width) &&
          y_min < static_cast<float>(height)))
      continue;
    const int x0 = first_center(HWY_MAX(x_min, 0.0F));
    const int y0 = first_center(HWY_MAX(y_min, 0.0F));
    const int x1 = last_center(HWY_MIN(x_max, static_cast<float>(width)));
    const int y1 = last_center(HWY_MIN(y_max, static_cast<float>(height)));
    if (x0 > x1) continue;  // between pixels' centres
    const float scale = 1 / area;
    // Weights of b and c grow by these a pixel.
    const auto b_dx = hn::Set(tag, scale * (a[1] - c[1]));
    const auto c_dx = hn::Set(tag, scale * (b[1] - a[1]));
    const float b_dy = scale * (c[0] - a[0]);
    const float c_dy = scale * (a[0] - b[0]);
    const auto az = hn::Set(tag, a[2]);
    const auto to_bz = hn::Set(tag, b[2] - a[2]);
    const auto to_cz = hn::Set(tag, c[2] - a[2]);
    const auto number = hn::Set(index_tag, std::int32_t{chosen[k]});
    for (int y = y0; y <= y1; ++y) {
      const float dy = static_cast<float>(y) + 0.5F - a[1];
      const auto b_row = hn::Set(tag, b_dy * dy);
      const auto c_row = hn::Set(tag, c_dy * dy);
      for (int x = x0; x <= x1; x += lanes) {
        const std::size_t at =
            static_cast<std::size_t>(y) * rows.stride + static_cast<std::size_t>(x);
        const auto dx = hn::Add(hn::Set(tag, static_cast<float>(x) - a[0]), centers);
        const auto wb = hn::MulAdd(b_dx, dx, b_row);
        const auto wc = hn::MulAdd(c_dx, dx, c_row);
        const auto wa = hn::Sub(hn::Sub(one, wb), wc);
        const auto depth = hn::MulAdd(wc, to_cz, hn::MulAdd(wb, to_bz, az));
        const auto before = hn::LoadU(tag, rows.depth.data() + at);
        // Lanes beyond the triangle's box lie outside of it.
        const auto shown =
            hn::And(hn::Ge(hn::Min(hn::Min(wa, wb), wc), zero), hn::Gt(depth, before));
        if (hn::AllFalse(tag, shown)) continue;
        hn::StoreU(hn::IfThenElse(shown, depth, before), tag, rows.depth.data() + at);
        float* const to_b = rows.weight_b.data() + at;
        float* const to_c = rows.weight_c.data() + at;
        std::int32_t* const to_number = rows.triangle.data() + at;
        hn::StoreU(hn::IfThenElse(shown, wb, hn::LoadU(tag, to_b)), tag, to_b);
        hn::StoreU(hn::IfThenElse(shown, wc, hn::LoadU(tag, to_c)), tag, to_c);
        hn::StoreU(hn::IfThenElse(hn::RebindMask(index_tag, shown), number,
                                  hn::LoadU(index_tag, to_number)),
                   index_tag, to_number);
      }
    }
  }
}

}  // namespace retinaface::mesh::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace retinaface::mesh {

void paint_triangles(std::span<const Vector> vertices,
                     std::span<const std::array<std::uint16_t, 3>> triangles,
                     std::span<const std::uint16_t> chosen, int width, int height,
                     const PaintedRows& rows) {
  const std::size_t size = rows.stride * static_cast<std::size_t>(height);
  RF_CHECK(rows.stride >= static_cast<std::size_t>(width) + PaintedRows::kRoom &&
           rows.depth.size() >= size && rows.triangle.size() >= size &&
           rows.weight_b.size() >= size && rows.weight_c.size() >= size);
  if (chosen.empty()) return;
  RF_SIMD_VARIANT(paint_triangles)
  (&vertices.front().x, triangles.front().data(), chosen.data(), chosen.size(), width, height,
   rows);
}

}  // namespace retinaface::mesh

#endif  // HWY_ONCE
