#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include <gtest/gtest.h>

#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface::testing {

/// A folder of its own for each test, in which the program runs. For tests of
/// retinaface_program_test (tests/CMakeLists.txt).
class ProgramFolder : public ::testing::Test {
 protected:
  /// A command line of the shell in the folder; `retinaface` is the program, and `detect` and
  /// `evaluate` are its commands. As functions of the shell: to signal the program itself, name
  /// RETINAFACE_PROGRAM.
  CommandResult run(const std::string& command) const {
    return testing::run("cd '" + folder_.path().string() +
                        "' && retinaface() { '" RETINAFACE_PROGRAM
                        "' \"$@\"; }; detect() { retinaface detect \"$@\"; }; "
                        "evaluate() { retinaface evaluate \"$@\"; }; " +
                        command);
  }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string content(const std::string& name) const { return content_of(folder_ / name); }
  nlohmann::json json_of(const std::string& name) const {
    return nlohmann::json::parse(std::ifstream(folder_ / name));
  }

  const TemporaryFolder folder_;
};

}  // namespace retinaface::testing
