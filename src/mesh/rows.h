#pragma once

#include <cstddef>
#include <span>

namespace retinaface::mesh {

/// out[j] += sum over k of factors[k] rows[k][j]; `rows` are (factors, out.size()), row-major.
void add_rows(std::span<const float> factors, std::span<const float> rows, std::span<float> out);

/// out[k] += sum over j of rows[k][j] x[j]: the transpose of add_rows.
void add_products(std::span<const float> rows, std::span<const float> x, std::span<float> out);

}  // namespace retinaface::mesh
