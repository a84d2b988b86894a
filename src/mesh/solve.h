#pragma once

#include <span>

namespace retinaface::mesh {

/// Solves a x = b for a symmetric matrix (n, n) whose eigenvalues are over 0, by Cholesky's
/// decomposition: a = L L^T, L y = b, L^T x = y. Reads the lower half of `a`, and leaves L there
/// and x in `b`.
void solve(std::span<float> a, std::span<float> b);

}  // namespace retinaface::mesh
