#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace retinaface::pipeline {

/// The content of an .npy file, as NumPy reads it: a matrix of float32, row by row. `values` are
/// rows x columns.
///
/// Nothing that NumPy itself writes has the header's entries in this order, by which is_own_npy
/// knows the file again: the format has no place for a mark.
std::string npy_matrix(std::span<const float> values, std::size_t columns);

/// Whether a file that begins with these bytes, 64 or more, is one that npy_matrix made.
bool is_own_npy(std::string_view beginning);

}  // namespace retinaface::pipeline
