#pragma once

#include <cstdio>
#include <string>

#include <fmt/format.h>

namespace retinaface::benchmarks {

/// The table that `make bench` prints: a ratio, what is measured, and what it is measured against.
inline void print_ratio_header() {
  fmt::print("{:>8}  {:<62}  {}\n", "ratio", "of", "to");
}

inline void print_ratio(double ratio, const std::string& of, const std::string& to) {
  fmt::print("{:8.2f}  {:<62}  {}\n", ratio, of, to);
  std::fflush(stdout);
}

}  // namespace retinaface::benchmarks
