#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <zlib.h>

namespace retinaface::testing::mat {

// Writes MATLAB files of level 5, element by element, for tests of what reads them.

/// A data element: type, size, content, filled up to eight bytes.
inline std::string element(std::uint32_t type, const std::string& content) {
  std::string bytes(8, '\0');
  const auto size = static_cast<std::uint32_t>(content.size());
  std::memcpy(bytes.data(), &type, 4);
  std::memcpy(bytes.data() + 4, &size, 4);
  bytes += content;
  bytes.resize((bytes.size() + 7) / 8 * 8);
  return bytes;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// Everything of an array but its values; `kind` is the array's class.
inline std::string header(std::uint32_t kind, std::size_t rows, std::size_t columns,
                          const std::string& name) {
  return element(6, bytes_of(std::vector<std::uint32_t>{kind, 0})) +
         element(5, bytes_of(std::vector<std::int32_t>{static_cast<std::int32_t>(rows),
                                                       static_cast<std::int32_t>(columns)})) +
         element(1, name);
}

/// Doubles, column by column.
inline std::string numbers(std::size_t rows, std::size_t columns, const std::vector<double>& values,
                           const std::string& name = "") {
  return element(14, header(6, rows, columns, name) + element(9, bytes_of(values)));
}

inline std::string text(const std::string& value, const std::string& name = "") {
  std::vector<std::uint16_t> units(value.begin(), value.end());
  return element(14, header(4, 1, value.size(), name) + element(4, bytes_of(units)));
}

/// A column of cells, each an array.
inline std::string cells(const std::vector<std::string>& arrays, const std::string& name = "") {
  std::string content = header(1, arrays.size(), 1, name);
  for (const std::string& array : arrays) content += array;
  return element(14, content);
}

/// A variable as MATLAB writes it by default.
inline std::string compressed(const std::string& array) {
  std::string packed(compressBound(array.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(array.data()), array.size());
  std::string bytes(8, '\0');
  const std::uint32_t tag[] = {15, static_cast<std::uint32_t>(size)};
  std::memcpy(bytes.data(), tag, 8);
  return bytes + packed.substr(0, size);
}

/// A whole file of the given variables.
inline std::string file(const std::vector<std::string>& variables) {
  std::string bytes = "MATLAB 5.0 MAT-file, written by a test";
  bytes.resize(124, ' ');
  bytes += std::string("\x00\x01IM", 4);
  for (const std::string& variable : variables) bytes += variable;
  return bytes;
}

}  // namespace retinaface::testing::mat
