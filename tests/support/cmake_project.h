#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "support/testing.h"

namespace retinaface::testing {

inline std::string quoted(const std::filesystem::path& path) {
  return "'" + path.string() + "'";
}

/// Configures and builds a project of somebody else's, or one target of it: `content` is what its
/// CMakeLists.txt has behind its first two lines.
inline CommandResult build_project(const std::filesystem::path& source,
                                   const std::filesystem::path& build, const std::string& content,
                                   const std::string& arguments,
                                   const std::string& target = "all") {
  std::filesystem::create_directory(source);
  std::ofstream(source / "CMakeLists.txt") << "cmake_minimum_required(VERSION 3.23)\n"
                                              "project(user LANGUAGES C CXX)\n"
                                           << content;
  return run("cmake -S " + quoted(source) + " -B " + quoted(build) + " " + arguments +
             " && cmake --build " + quoted(build) + " --target " + target);
}

}  // namespace retinaface::testing
