#pragma once

#include <cstdint>

#include "runtime/torch/vector_loops.h"

// The part of a deformable convolution (graph::DeformableConvolution) that is not a matrix product:
// each place of the result gets a column of kernel * kernel * C values, for each point k of the
// kernel the C channels of the map where the offsets put the point, scaled by its mask.
//   column_kc = m_k s_kc,  m = 2 sigmoid(logit),  s the bilinear interpolation of the map at (y, x)
//   dL/dlogit_k = sum_c g_kc s_kc m_k (1 - m_k / 2)
//   dL/dy_k     = sum_c g_kc m_k ds_kc/dy, the same for x; at a cell's very place the derivative is
//                 that towards the greater coordinate
//   dL/dmap     = g_kc m_k (share of the cell), added to each of the four cells
// with g = dL/dcolumn. Maps lie as rows of adjacent channels.
namespace retinaface::runtime {

/// A deformable convolution on one image.
struct DeformableGeometry {
  std::int64_t channels = 0;  ///< of the map
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t out_width = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 1;

  std::int64_t points() const { return kernel * kernel; }
  std::int64_t column() const { return points() * channels; }
};

/// The columns of the places [begin, end), counted row by row over the result.
template <typename T>
void sample_columns(const DeformableGeometry& geometry, const T* map, const T* offsets,
                    std::int64_t begin, std::int64_t end, T* columns);

/// Writes the gradients of the offsets and mask logits of the places [begin, end).
template <typename T>
void offset_gradients(const DeformableGeometry& geometry, const T* map, const T* offsets,
                      std::int64_t begin, std::int64_t end, const T* column_gradients,
                      T* gradients);

/// Adds to the map's gradient, in channels [first, last) alone.
template <typename T>
void add_map_gradients(const DeformableGeometry& geometry, const T* offsets, std::int64_t begin,
                       std::int64_t end, const T* column_gradients, std::int64_t first,
                       std::int64_t last, float* gradients);

}  // namespace retinaface::runtime
