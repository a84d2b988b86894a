#include "pipeline/npy.h"

#include <bit>

#include <fmt/format.h>

#include "base/check.h"

namespace retinaface::pipeline {

namespace {

/// Magic and version 1.0, before the header's length of two bytes.
constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t kBefore = kMagic.size() + 2;
constexpr std::string_view kFirst = "{'shape': (";
constexpr std::string_view kLast = "), 'fortran_order': False, 'descr': '<f4', }";

}  // namespace

bool is_own_npy(std::string_view beginning) {
  if (!beginning.starts_with(kMagic) || beginning.size() < kBefore) return false;
  beginning.remove_prefix(kBefore);
  return beginning.starts_with(kFirst) && beginning.find(kLast) != std::string_view::npos;
}

std::string npy_matrix(std::span<const float> values, std::size_t columns) {
  static_assert(std::endian::native == std::endian::little);
  RF_CHECK(columns > 0 && values.size() % columns == 0);
  std::string header = fmt::format("{}{}, {}{}", kFirst, values.size() / columns, columns, kLast);
  // The data begin at a multiple of 64.
  constexpr std::size_t kAlignment = 64;
  const std::size_t length =
      (kBefore + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  header.resize(length - kBefore - 1, ' ');
  header += '\n';
  std::string content(kMagic);
  content += static_cast<char>(header.size() & 0xFF);
  content += static_cast<char>(header.size() >> 8);
  content += header;
  content.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return content;
}

}  // namespace retinaface::pipeline
