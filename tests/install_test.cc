// The installed tree, as somebody else's project sees it: the examples built by CMake and by
// pkg-config against it, in C++ and in C; and the source as a part of such a project.

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "support/cmake_project.h"
#include "support/content_of.h"
#include "support/testing.h"
#include "video/video_writer.h"

namespace retinaface {
namespace {

using ::testing::AllOf;
using testing::build_project;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using testing::quoted;
using testing::run;

const std::string kSource = RETINAFACE_SOURCE_DIR;

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

/// The examples, linked with `library`: in_cpp, in_c, track_cpp and blur_c.
std::string examples_linked_with(const std::string& library) {
  std::string content;
  for (const auto& [name, file] :
       {std::pair("in_cpp", "detect.cpp"), std::pair("in_c", "detect.c"),
        std::pair("track_cpp", "track.cpp"), std::pair("blur_c", "blur.c")}) {
    content += std::string("add_executable(") + name + " " + kSource + "/examples/" + file +
               ")\ntarget_link_libraries(" + name + " PRIVATE " + library + ")\n";
  }
  return content;
}

TEST_F(Install, ServesAProjectOfCMakes) {
  const auto build = folder() / "build";
  const CommandResult result = build_project(
      folder() / "project", build,
      "find_package(retinaface 0.1 REQUIRED)\n" + examples_linked_with("retinaface::retinaface"),
      "-DCMAKE_PREFIX_PATH=" + quoted(prefix()));
  ASSERT_EQ(result.exit_code, 0) << result.output << result.errors;
  expect_to_find_the_portrait(build / "in_cpp");
  expect_to_find_the_portrait(build / "in_c");

  const auto blurred = folder() / "blurred.png";
  const std::string library = "LD_LIBRARY_PATH=" + quoted(library_folder()) + " ";
  const CommandResult blur = run(library + quoted(build / "blur_c") + " '" + kSource +
                                 "/samples/portrait.jpg' " + quoted(blurred));
  EXPECT_EQ(blur.exit_code, 0) << blur.errors;
  const Image portrait = read_image(kSource + "/samples/portrait.jpg");
  EXPECT_FALSE(
      std::equal(portrait.row(0), portrait.row(portrait.height() - 1), read_image(blurred).row(0)));

  const auto video = folder() / "portrait.mp4";
  video::VideoWriter writer(video, portrait.width(), portrait.height());
  for (int frame = 0; frame < 3; ++frame) writer.write(portrait, 0.25 * frame);
  writer.finish();
  const CommandResult track = run(library + quoted(build / "track_cpp") + " " + quoted(video));
  EXPECT_EQ(track.exit_code, 0) << track.errors;
  EXPECT_THAT(track.output, MatchesRegex("0.00 s: face 1 at [^\n]*\n"
                                         "0.25 s: face 1 at [^\n]*\n"
                                         "0.50 s: face 1 at [^\n]*\n"));

  const CommandResult unwritable = run(library + quoted(build / "blur_c") + " '" + kSource +
                                       "/samples/portrait.jpg' /no/such/folder/b.png");
  EXPECT_EQ(unwritable.exit_code, 1);
  EXPECT_THAT(unwritable.errors, HasSubstr("/no/such/folder/b.png"));
}

TEST_F(Install, ServesProjectsThatLinkTheStaticLibrary) {
  const auto build = folder() / "build_static";
  const CommandResult result =
      build_project(folder() / "project_static", build,
                    "find_package(retinaface 0.1 REQUIRED COMPONENTS static)\n" +
                        examples_linked_with("retinaface::retinaface_static"),
                    "-DCMAKE_PREFIX_PATH=" + quoted(prefix()));
  ASSERT_EQ(result.exit_code, 0) << result.output << result.errors;
  for (const char* const name : {"in_cpp", "in_c"}) {
    EXPECT_THAT(run("ldd " + quoted(build / name)).output,
                ::testing::Not(HasSubstr("libretinaface")));
    expect_to_find_the_portrait(build / name);
  }
  const CommandResult unknown =
      build_project(folder() / "project_unknown", folder() / "build_unknown",
                    "find_package(retinaface 0.1 REQUIRED COMPONENTS python)\n",
                    "-DCMAKE_PREFIX_PATH=" + quoted(prefix()));
  EXPECT_NE(unknown.exit_code, 0);
}

TEST_F(Install, ServesPkgConfig) {
  const auto in_cpp = folder() / "pkg_cpp";
  const auto in_c = folder() / "pkg_c";
  const auto build = [&](const std::string& flags) {
    return run("c++ -std=c++17 -Wall -Werror '" + kSource + "/examples/detect.cpp' -o " +
               quoted(in_cpp) + " " + flags + " && cc -std=c99 -Wall -Wextra -Wpedantic -Werror '" +
               kSource + "/examples/detect.c' -o " + quoted(in_c) + " " + flags);
  };
  CommandResult result = build("$(" + pkg_config() + "--cflags --libs retinaface)");
  ASSERT_EQ(result.exit_code, 0) << result.output << result.errors;
  expect_to_find_the_portrait(in_cpp);
  expect_to_find_the_portrait(in_c);

  // The linker would take the shared library that stands beside the static one.
  result = build("$(" + pkg_config() +
                 "--static --cflags --libs retinaface | "
                 "sed 's/-lretinaface/-l:libretinaface.a/')");
  ASSERT_EQ(result.exit_code, 0) << result.output << result.errors;
  for (const auto& program : {in_cpp, in_c}) {
    EXPECT_THAT(run("ldd " + quoted(program)).output, ::testing::Not(HasSubstr("libretinaface")));
    expect_to_find_the_portrait(program);
  }
}

// Not of the installed tree, but as somebody else's project as well.
/// The whole library is built so by subdirectory_test.
TEST(Subdirectory, IsConfiguredAndBegunInAProjectThatTakesTheSourceIn) {
  const testing::TemporaryFolder folder;
  const CommandResult result =
      build_project(folder / "project", folder / "build",
                    "add_subdirectory(" + kSource + " retinaface)\n", "-G Ninja", "rf_geometry");
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
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
  EXPECT_TRUE(std::filesystem::exists(prefix() / "share/doc/retinaface/examples/detect.cpp"));
  EXPECT_TRUE(std::filesystem::exists(prefix() / "share/doc/retinaface/README.md"));
  const std::string licences = testing::content_of(prefix() / "share/doc/retinaface/copyright");
  EXPECT_THAT(licences, AllOf(HasSubstr("The RetinaFace C++ authors"),
                              HasSubstr("USC Institute for Creative Technologies")));
  if (std::filesystem::exists(prefix() / "bin" / "retinaface-train")) {
    const CommandResult trained =
        run("cd / && " + quoted(prefix() / "bin" / "retinaface") +
            " train recipes/mnet025-fast.toml --data " + quoted(folder() / "nothing") + " -o " +
            quoted(folder() / "run"));
    EXPECT_THAT(trained.errors, HasSubstr("nothing"));  // the recipe was found
    EXPECT_THAT(trained.errors, ::testing::Not(HasSubstr("recipe")));
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
      run("c++ -std=c++17 " + quoted(in_library) + " -o " + quoted(by_name) + " $(" + pkg_config() +
          "--cflags --libs retinaface) && " + elsewhere +
          "LD_LIBRARY_PATH=" + quoted(library_folder()) + " " + quoted(by_name));
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
}

TEST_F(Install, HeadersStandOnTheirOwn) {
  const bool has_opencv = run("echo '#include <opencv2/core/mat.hpp>' | c++ -E -x c++ "
                              "-I/usr/include/opencv4 - > /dev/null")
                              .exit_code == 0;
  std::vector<std::string> compilers = {"c++ -x c++ -std=c++17"};
  if (run("clang++-16 --version").exit_code == 0) {
    compilers.emplace_back("clang++-16 -x c++ -std=c++17");
  }
  const std::string strictly = " -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror ";
  const std::string flags =
      strictly + "-fsyntax-only -isystem /usr/include/opencv4 -I" + quoted(prefix() / "include");
  int compiled = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(prefix() / "include" / "retinaface")) {
    if (entry.path().filename() == "opencv.h" && !has_opencv) continue;
    for (const std::string& compiler : compilers) {
      // Twice: the second time it must be empty.
      const std::string include = " -include " + quoted(entry.path());
      const CommandResult result = run(compiler + flags + include + include + " /dev/null");
      EXPECT_EQ(result.exit_code, 0) << compiler << ": " << result.errors;
      ++compiled;
    }
  }
  EXPECT_GT(compiled, 10);
  const CommandResult c = run("cc -x c -std=c99" + flags + " -include " +
                              quoted(prefix() / "include/retinaface/c.h") + " /dev/null");
  EXPECT_EQ(c.exit_code, 0) << c.errors;
}

TEST_F(Install, AViewOfATemporaryImageDoesNotCompile) {
  const auto compiles = [](const std::string& statement) {
    const auto source = folder() / "view.cc";
    std::ofstream(source) << "#include <retinaface/retinaface.h>\n"
                             "using namespace retinaface;\n"
                             "void use(const Detector& detector) {\n"
                          << statement << "\n}\n";
    return run("c++ -std=c++17 -Wall -Werror -fsyntax-only -I" + quoted(prefix() / "include") +
               " " + quoted(source))
               .exit_code == 0;
  };
  EXPECT_FALSE(compiles("ImageView view = read_image(\"a.jpg\"); detector.detect(view);"));
  EXPECT_FALSE(compiles("ImageView view = read_image(\"a.jpg\").view(); detector.detect(view);"));
  EXPECT_TRUE(
      compiles("Image image = read_image(\"a.jpg\"); ImageView view = image;"
               "detector.detect(view);"));
  EXPECT_TRUE(compiles("detector.detect(read_image(\"a.jpg\"));"));
  EXPECT_TRUE(compiles("align_face(read_image(\"a.jpg\"), kAlignedLandmarks);"));
  EXPECT_TRUE(compiles("write_image(\"b.png\", read_image(\"a.jpg\"));"));
}

TEST_F(Install, AViewOfATemporaryMatrixDoesNotCompile) {
  // What opencv.h takes of OpenCV, which need not be installed.
  std::filesystem::create_directories(folder() / "stub/opencv2/core");
  std::ofstream(folder() / "stub/opencv2/core/mat.hpp")
      << "#pragma once\n"
         "enum { CV_8UC1, CV_8UC3, CV_8UC4 };\n"
         "namespace cv {\n"
         "struct Mat {\n"
         "  unsigned char* data = nullptr;\n"
         "  int cols = 0;\n"
         "  int rows = 0;\n"
         "  unsigned long step = 0;\n"
         "  int type() const { return CV_8UC3; }\n"
         "};\n"
         "struct MatExpr {\n"
         "  operator Mat() const { return {}; }\n"
         "};\n"
         "}\n";
  const auto compiles = [](const std::string& parameters, const std::string& argument) {
    const auto source = folder() / "matrix.cc";
    std::ofstream(source) << "#include <utility>\n"
                             "#include <retinaface/opencv.h>\n"
                             "retinaface::ImageView view("
                          << parameters << ") { return retinaface::view_of(" << argument
                          << "); }\n";
    return run("c++ -std=c++17 -Wall -Werror -fsyntax-only -I" + quoted(folder() / "stub") + " -I" +
               quoted(prefix() / "include") + " " + quoted(source))
               .exit_code == 0;
  };
  EXPECT_TRUE(compiles("cv::Mat& matrix", "matrix"));
  EXPECT_TRUE(compiles("const cv::Mat& matrix", "matrix"));
  EXPECT_FALSE(compiles("", "cv::Mat()"));
  EXPECT_FALSE(compiles("cv::Mat matrix", "std::move(matrix)"));
  EXPECT_FALSE(compiles("const cv::Mat& matrix", "std::move(matrix)"));
  EXPECT_FALSE(compiles("const cv::MatExpr& matrix", "matrix"));
}

}  // namespace
}  // namespace retinaface
