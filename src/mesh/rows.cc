#include "mesh/rows.h"

#include "base/check.h"
#include "base/simd.h"

// Compiled once for each instruction set; the best one is chosen when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mesh/rows.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retinaface::mesh::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void add_rows(const float* factors, std::size_t count, const float* rows, std::size_t size,
              float* out) {
  const hn::ScalableTag<float> tag;
  const std::size_t lanes = hn::Lanes(tag);
  std::size_t k = 0;
  for (; k + 4 <= count; k += 4) {  // four rows for each time that `out` is read and written
    const float* const row = rows + k * size;
    const auto f0 = hn::Set(tag, factors[k]);
    const auto f1 = hn::Set(tag, factors[k + 1]);
    const auto f2 = hn::Set(tag, factors[k + 2]);
    const auto f3 = hn::Set(tag, factors[k + 3]);
    std::size_t j = 0;
    for (; j + lanes <= size; j += lanes) {
      auto sum = hn::LoadU(tag, out + j);
      sum = hn::MulAdd(f0, hn::LoadU(tag, row + j), sum);
      sum = hn::MulAdd(f1, hn::LoadU(tag, row + size + j), sum);
      sum = hn::MulAdd(f2, hn::LoadU(tag, row + 2 * size + j), sum);
      sum = hn::MulAdd(f3, hn::LoadU(tag, row + 3 * size + j), sum);
      hn::StoreU(sum, tag, out + j);
    }
    for (; j < size; ++j) {
      for (std::size_t i = 0; i < 4; ++i) out[j] += factors[k + i] * row[i * size + j];
    }
  }
  for (; k < count; ++k) {
    const float* const row = rows + k * size;
    const auto f0 = hn::Set(tag, factors[k]);
    std::size_t j = 0;
    for (; j + lanes <= size; j += lanes) {
      hn::StoreU(hn::MulAdd(f0, hn::LoadU(tag, row + j), hn::LoadU(tag, out + j)), tag, out + j);
    }
    for (; j < size; ++j) out[j] += factors[k] * row[j];
  }
}

void add_products(const float* rows, std::size_t count, const float* x, std::size_t size,
                  float* out) {
  const hn::ScalableTag<float> tag;
  const std::size_t lanes = hn::Lanes(tag);
  std::size_t k = 0;
  for (; k + 4 <= count; k += 4) {  // four sums that do not wait for each other
    const float* const row = rows + k * size;
    auto sum0 = hn::Zero(tag);
    auto sum1 = hn::Zero(tag);
    auto sum2 = hn::Zero(tag);
    auto sum3 = hn::Zero(tag);
    std::size_t j = 0;
    for (; j + lanes <= size; j += lanes) {
      const auto values = hn::LoadU(tag, x + j);
      sum0 = hn::MulAdd(hn::LoadU(tag, row + j), values, sum0);
      sum1 = hn::MulAdd(hn::LoadU(tag, row + size + j), values, sum1);
      sum2 = hn::MulAdd(hn::LoadU(tag, row + 2 * size + j), values, sum2);
      sum3 = hn::MulAdd(hn::LoadU(tag, row + 3 * size + j), values, sum3);
    }
    float sums[4] = {hn::GetLane(hn::SumOfLanes(tag, sum0)), hn::GetLane(hn::SumOfLanes(tag, sum1)),
                     hn::GetLane(hn::SumOfLanes(tag, sum2)),
                     hn::GetLane(hn::SumOfLanes(tag, sum3))};
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t rest = j; rest < size; ++rest) sums[i] += row[i * size + rest] * x[rest];
      out[k + i] += sums[i];
    }
  }
  for (; k < count; ++k) {
    const float* const row = rows + k * size;
    auto sum0 = hn::Zero(tag);
    auto sum1 = hn::Zero(tag);
    std::size_t j = 0;
    for (; j + 2 * lanes <= size; j += 2 * lanes) {
      sum0 = hn::MulAdd(hn::LoadU(tag, row + j), hn::LoadU(tag, x + j), sum0);
      sum1 = hn::MulAdd(hn::LoadU(tag, row + j + lanes), hn::LoadU(tag, x + j + lanes), sum1);
    }
    float sum = hn::GetLane(hn::SumOfLanes(tag, hn::Add(sum0, sum1)));
    for (; j < size; ++j) sum += row[j] * x[j];
    out[k] += sum;
  }
}

}  // namespace retinaface::mesh::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace retinaface::mesh {

void add_rows(std::span<const float> factors, std::span<const float> rows, std::span<float> out) {
  RF_CHECK(rows.size() == factors.size() * out.size());
  RF_SIMD_VARIANT(add_rows)(factors.data(), factors.size(), rows.data(), out.size(), out.data());
}

void add_products(std::span<const float> rows, std::span<const float> x, std::span<float> out) {
  RF_CHECK(rows.size() == out.size() * x.size());
  RF_SIMD_VARIANT(add_products)(rows.data(), out.size(), x.data(), x.size(), out.data());
}

}  // namespace retinaface::mesh

#endif  // HWY_ONCE
