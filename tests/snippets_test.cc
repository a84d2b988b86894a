// The programs and pieces of C++ and C in README.md and doc/, as a reader would copy them: all of
// them compile, and the programs run.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "support/cmake_project.h"
#include "support/made_recognizer.h"
#include "support/testing.h"
#include "video/video_writer.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using testing::CommandResult;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::quoted;
using testing::run;

const fs::path kSource = RETINAFACE_SOURCE_DIR;

struct Snippet {
  std::string place;  ///< "README.md:99"
  std::string text;

  bool is_program() const { return text.find("int main(") != std::string::npos; }
};

/// The blocks of a Markdown file that begin with ```LANGUAGE.
std::vector<Snippet> snippets_in(const fs::path& file, const std::string& language) {
  std::vector<Snippet> snippets;
  std::ifstream stream(file);
  bool is_inside = false;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (line == "```" + language) {
      snippets.push_back({fmt::format("{}:{}", file.filename().string(), number), {}});
      is_inside = true;
    } else if (line == "```") {
      is_inside = false;
    } else if (is_inside) {
      snippets.back().text += line + '\n';
    }
  }
  return snippets;
}

std::vector<Snippet> all_snippets(const std::string& language) {
  std::vector<Snippet> all = snippets_in(kSource / "README.md", language);
  for (const auto& entry : fs::directory_iterator(kSource / "doc")) {
    if (entry.path().extension() != ".md") continue;
    for (Snippet& snippet : snippets_in(entry.path(), language)) all.push_back(std::move(snippet));
  }
  return all;
}

/// With the files that snippets name.
class Snippets : public ::testing::Test {
 protected:
  Snippets() {
    for (const char* name : {"photo.jpg", "a.jpg", "b.jpg"}) {
      fs::copy_file(testing::sample_folder() / "portrait.jpg", folder_ / name);
    }
    testing::write_made_recognizer(folder_ / "mobilefacenet.safetensors");
    const Image image = read_image(folder_ / "photo.jpg");
    video::VideoWriter writer(folder_ / "video.mp4", image.width(), image.height());
    for (int frame = 0; frame < 2; ++frame) writer.write(image, 0.25 * frame);
    writer.finish();
  }

  /// `compiler` with its flags takes the file's name; `before` and `behind` make a piece a file.
  void expect_to_hold(const Snippet& snippet, const std::string& compiler, const std::string& file,
                      const std::string& before, const std::string& behind) const {
    std::ofstream(folder_ / file) << (snippet.is_program() ? snippet.text
                                                           : before + snippet.text + behind);
    const fs::path library = RETINAFACE_LIBRARY;
    const std::string in_folder = "cd " + quoted(folder_.path()) + " && ";
    const CommandResult compiled =
        run(in_folder + compiler + " -Wall -Wextra -Wpedantic -Werror -I" +
            quoted(kSource / "include") + " " + file +
            (snippet.is_program() ? " -o program -pthread " + quoted(library) : " -fsyntax-only"));
    ASSERT_EQ(compiled.exit_code, 0) << snippet.place << ": " << compiled.errors;
    if (!snippet.is_program()) return;
    const CommandResult result =
        run(in_folder + "LD_LIBRARY_PATH=" + quoted(library.parent_path()) + " ./program");
    EXPECT_EQ(result.exit_code, 0) << snippet.place << ": " << result.errors;
    EXPECT_THAT(result.errors, IsEmpty()) << snippet.place;
    if (snippet.text.find("write_image") == std::string::npos) {
      EXPECT_THAT(result.output, Not(IsEmpty())) << snippet.place;
    }
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(Snippets, OfCppCompileAndRun) {
  int programs = 0;
  for (const Snippet& snippet : all_snippets("cpp")) {
    expect_to_hold(snippet, "c++ -std=c++17 -Wno-unused-variable", "snippet.cc",
                   "#include <cstdio>\n#include <retinaface/retinaface.h>\nvoid use() {\n", "}\n");
    programs += snippet.is_program() ? 1 : 0;
  }
  EXPECT_GE(programs, 10);
  EXPECT_TRUE(fs::exists(folder_ / "blurred.png"));
}

TEST_F(Snippets, OfCCompileAndRun) {
  int programs = 0;
  for (const Snippet& snippet : all_snippets("c")) {
    expect_to_hold(snippet, "cc -std=c99", "snippet.c",
                   "#include <retinaface/c.h>\nvoid use(void) {\n", "}\n");
    programs += snippet.is_program() ? 1 : 0;
  }
  EXPECT_GE(programs, 3);
}

}  // namespace
}  // namespace retinaface
