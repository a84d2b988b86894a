// The source as a part of somebody else's project, built as a whole and not optimized, which takes
// minutes; install_test begins such a build.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/cmake_project.h"

namespace retinaface {
namespace {

using testing::CommandResult;
using ::testing::HasSubstr;
using testing::quoted;
using testing::run;

const std::string kSource = RETINAFACE_SOURCE_DIR;

TEST(Subdirectory, ServesAProjectThatTakesTheSourceIn) {
  const testing::TemporaryFolder folder;
  const auto build = folder / "build";
  const CommandResult result = testing::build_project(
      folder / "project", build,
      "add_subdirectory(" + kSource + " retinaface)\n" + "add_executable(in_cpp " + kSource +
          "/examples/detect.cpp)\n" + "add_executable(in_c " + kSource + "/examples/detect.c)\n" +
          "target_link_libraries(in_cpp PRIVATE retinaface::retinaface)\n" +
          "target_link_libraries(in_c PRIVATE retinaface::retinaface_static)\n" +
          "set_target_properties(in_cpp PROPERTIES CXX_STANDARD 17)\n",
      "-G Ninja -DCMAKE_BUILD_TYPE=Debug");
  ASSERT_EQ(result.exit_code, 0) << result.output << result.errors;
  for (const char* const name : {"in_cpp", "in_c"}) {
    const CommandResult found =
        run(quoted(build / name) + " '" + kSource + "/samples/portrait.jpg'");
    EXPECT_EQ(found.exit_code, 0) << found.errors;
    EXPECT_THAT(found.output, HasSubstr(" at ("));
  }
  // The library alone: neither the program nor what only that needs, and nothing to install.
  EXPECT_FALSE(std::filesystem::exists(build / "retinaface/bin/retinaface"));
  const CommandResult install =
      run("cmake --install " + quoted(build) + " --prefix " + quoted(folder / "tree"));
  EXPECT_EQ(install.exit_code, 0) << install.errors;
  EXPECT_FALSE(std::filesystem::exists(folder / "tree"));
}

}  // namespace
}  // namespace retinaface
