#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "retinaface/error.h"

namespace retinaface::benchmarks {

/// What a benchmark on one image is called with: IMAGE [WIDTHxHEIGHT] and what follows.
struct ImageArguments {
  std::string image;
  int width = 0;
  int height = 0;
  std::span<char*> rest;

  /// The argument number i after the size, or `otherwise`.
  std::string argument(std::size_t i, const char* otherwise) const {
    return i < rest.size() ? rest[i] : otherwise;
  }
};

/// Reads the arguments and measures; the exit code of main. `measure` returns false when it cannot
/// make sense of the rest.
inline int run_on_image(int argc, char** argv, const char* usage, const char* default_size,
                        const std::function<bool(const ImageArguments&)>& measure) {
  const std::span<char*> arguments(argv + 1, argv + argc);
  ImageArguments given;
  const std::string size = arguments.size() > 1 ? arguments[1] : default_size;
  if (arguments.empty() || std::sscanf(size.c_str(), "%dx%d", &given.width, &given.height) != 2) {
    fmt::print(stderr, "usage: {}\n", usage);
    return 2;
  }
  given.image = arguments[0];
  if (arguments.size() > 2) given.rest = arguments.subspan(2);
  try {
    if (measure(given)) return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  fmt::print(stderr, "usage: {}\n", usage);
  return 2;
}

}  // namespace retinaface::benchmarks
