// The installed tree, as somebody else's project sees it: the examples built by CMake and by
// pkg-config against it, in C++ and in C, and what the shared library shows.

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using testing::run;

const std::string kSource = RETINAFACE_SOURCE_DIR;

std::string quoted(const std::filesystem::path& path) {
  return "'" + path.string() + "'";
}

class Install : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new testing::TemporaryFolder;
    const CommandResult result =
        run("cmake --install '" RETINAFACE_BUILD_DIR "' --prefix " + quoted(prefix()));
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static std::filesystem::path prefix() { return *folder_ / "tree"; }
  static std::filesystem::path library_folder() { return prefix() / RETINAFACE_LIBDIR; }
  static const testing::TemporaryFolder& folder() { return *folder_; }

  static std::string pkg_config() {
    return "PKG_CONFIG_PATH=" + quoted(library_folder() / "pkgconfig") + " pkg-config ";
  }

  /// Runs a detector program on a sample: one line for its one face.
  static void expect_to_find_the_portrait(const std::filesystem::path& program) {
    const CommandResult result = run("LD_LIBRARY_PATH=" + quoted(library_folder()) + " " +
                                     quoted(program) + " '" + kSource + "/samples/portrait.jpg'");
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_THAT(
        result.output,
        MatchesRegex("(0\\.[0-9]+|1\\.000) at \\([0-9.]+, [0-9.]+\\), [0-9.]+ x [0-9.]+\n"));
  }

 private:
  static testing::TemporaryFolder* folder_;
};

testing::TemporaryFolder* Install::folder_ = nullptr;

TEST_F(Install, ServesAProjectOfCMakes) {
  const auto source = folder() / "project";
  std::filesystem::create_directory(source);
  std::ofstream(source / "CMakeLists.txt")
      << "cmake_minimum_required(VERSION 3.23)\n"
         "project(user LANGUAGES C CXX)\n"
         "find_package(retinaface 0.1 REQUIRED)\n"
         "add_executable(in_cpp "
      << kSource
      << "/examples/detect.cpp)\n"
         "add_executable(in_c "
      << kSource
      << "/examples/detect.c)\n"
         "target_link_libraries(in_cpp PRIVATE retinaface::retinaface)\n"
         "target_link_libraries(in_c PRIVATE retinaface::retinaface)\n";
  const auto build = folder() / "build";
  const CommandResult result =
      run("cmake -S " + quoted(source) + " -B " + quoted(build) +
          " -DCMAKE_PREFIX_PATH=" + quoted(prefix()) + " && cmake --build " + quoted(build));
  ASSERT_EQ(result.exit_code, 0) << result.output << result.errors;
  expect_to_find_the_portrait(build / "in_cpp");
  expect_to_find_the_portrait(build / "in_c");
}

TEST_F(Install, ServesPkgConfig) {
  const auto in_cpp = folder() / "pkg_cpp";
  const auto in_c = folder() / "pkg_c";
  const std::string flags = "$(" + pkg_config() + "--cflags --libs retinaface)";
  const CommandResult result =
      run("c++ -std=c++20 -Wall -Werror '" + kSource + "/examples/detect.cpp' -o " +
          quoted(in_cpp) + " " + flags + " && cc -std=c99 -Wall -Wextra -Wpedantic -Werror '" +
          kSource + "/examples/detect.c' -o " + quoted(in_c) + " " + flags);
  ASSERT_EQ(result.exit_code, 0) << result.output << result.errors;
  expect_to_find_the_portrait(in_cpp);
  expect_to_find_the_portrait(in_c);
}

TEST_F(Install, BringsAProgramThatRuns) {
  const CommandResult result = run(quoted(prefix() / "bin" / "retinaface") + " --version");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("retinaface 0."));
}

TEST_F(Install, FindsModelsByNameFromAnyWorkingDirectory) {
  const auto models = prefix() / "share" / "retinaface" / "models";
  for (const auto& entry : std::filesystem::directory_iterator(kSource + "/weights")) {
    if (entry.path().extension() != ".safetensors") continue;
    EXPECT_TRUE(std::filesystem::exists(models / entry.path().filename())) << entry.path();
  }
  // A name that is not inside the library.
  std::filesystem::copy_file(models / "mnet025.safetensors", models / "another.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  const std::string elsewhere = "cd / && env -u RETINAFACE_MODELS ";
  const std::string program = quoted(prefix() / "bin" / "retinaface");
  const CommandResult found =
      run(elsewhere + program + " detect --model another '" + kSource + "/samples/portrait.jpg'");
  EXPECT_EQ(found.exit_code, 0) << found.errors;
  EXPECT_THAT(found.output, HasSubstr("\"score\": 0.9"));

  const CommandResult missing =
      run(elsewhere + program + " detect --model resnet50 '" + kSource + "/samples/portrait.jpg'");
  EXPECT_NE(missing.exit_code, 0);
  EXPECT_THAT(missing.errors, HasSubstr(std::filesystem::canonical(models).string()));
  EXPECT_THAT(missing.errors, ::testing::Not(HasSubstr("weights,")));  // of no build tree

  const auto in_library = folder() / "by_name.cc";
  std::ofstream(in_library) << "#include <retinaface/detector.h>\n"
                               "int main() { retinaface::Detector(\"another\"); }\n";
  const auto by_name = folder() / "by_name";
  const CommandResult result =
      run("c++ -std=c++20 " + quoted(in_library) + " -o " + quoted(by_name) + " $(" + pkg_config() +
          "--cflags --libs retinaface) && " + elsewhere +
          "LD_LIBRARY_PATH=" + quoted(library_folder()) + " " + quoted(by_name));
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
}

TEST_F(Install, HeadersStandOnTheirOwn) {
  const bool has_opencv = run("echo '#include <opencv2/core/mat.hpp>' | c++ -E -x c++ "
                              "-I/usr/include/opencv4 - > /dev/null")
                              .exit_code == 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(prefix() / "include" / "retinaface")) {
    if (entry.path().filename() == "opencv.h" && !has_opencv) continue;
    const CommandResult result = run(
        "c++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -isystem "
        "/usr/include/opencv4 -I" +
        quoted(prefix() / "include") + " -include " + quoted(entry.path()) + " -x c++ /dev/null");
    EXPECT_EQ(result.exit_code, 0) << result.errors;
  }
}

TEST_F(Install, TheLibraryShowsItsInterfaceAlone) {
  const CommandResult result =
      run("nm -D --defined-only -C " + quoted(library_folder() / "libretinaface.so") +
          " | sed -E 's/^[0-9a-f]* [A-Za-z] //'");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::istringstream lines(result.output);
  std::set<std::string> functions_of_c;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("rf_")) {
      functions_of_c.insert(line);
      continue;
    }
    EXPECT_THAT(line,
                MatchesRegex("(typeinfo (name )?for |vtable for )?retinaface::"
                             "(Detector|Image|Error|version|bytes_per_pixel|read_image|"
                             "decode_image|write_image|can_write_image|align_face)([^a-z_].*)?"));
  }
  EXPECT_THAT(functions_of_c,
              ::testing::ElementsAre("rf_default_options", "rf_detect", "rf_detector_free",
                                     "rf_detector_new", "rf_faces_count", "rf_faces_data",
                                     "rf_faces_free", "rf_image_free", "rf_image_get_view",
                                     "rf_image_read", "rf_last_error", "rf_version"));
}

}  // namespace
}  // namespace retinaface
