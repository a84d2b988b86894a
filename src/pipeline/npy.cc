#include "pipeline/npy.h"

#include <bit>

#include <fmt/format.h>

#include "base/check.h"

namespace retinaface::pipeline {

std::string npy_matrix(std::span<const float> values, std::size_t columns) {
  static_assert(std::endian::native == std::endian::little);
  RF_CHECK(columns > 0 && values.size() % columns == 0);
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}",
                  values.size() / columns, columns);
  // Magic, version and length are ten bytes; the data begin at a multiple of 64.
  constexpr std::size_t kBefore = 10;
  constexpr std::size_t kAlignment = 64;
  const std::size_t length =
      (kBefore + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  header.resize(length - kBefore - 1, ' ');
  header += '\n';
  std::string content("\x93NUMPY\x01\x00", 8);
  content += static_cast<char>(header.size() & 0xFF);
  content += static_cast<char>(header.size() >> 8);
  content += header;
  content.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return content;
}

}  // namespace retinaface::pipeline
