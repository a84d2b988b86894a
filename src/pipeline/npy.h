#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace retinaface::pipeline {

/// The content of an .npy file, as NumPy reads it: a matrix of float32, row by row. `values` are
/// rows x columns.
std::string npy_matrix(std::span<const float> values, std::size_t columns);

}  // namespace retinaface::pipeline
