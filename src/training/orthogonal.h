#pragma once

#include <cstdint>
#include <span>

namespace retinaface::training {

/// Replaces a matrix of `rows` rows, one after the other, by about the closest one whose rows (or
/// columns, if they are fewer) are orthogonal and of length 1: its singular values, s s_max each,
/// become some between 0.68 and 1.21 where s is over 0.002. By five steps of a fifth-order
/// Newton-Schulz iteration with the coefficients of Jordan et al. 2024, "Muon". Zeros stay.
void orthogonalize(std::span<float> matrix, std::int64_t rows);

}  // namespace retinaface::training
