// What the program says of itself: help, versions, the manual, completion, and answers to mistyped
// words.

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

CommandResult program(const std::string& arguments) {
  return testing::run("'" RETINAFACE_PROGRAM "' " + arguments);
}

TEST(Manual, ThePlainProgramListsItsCommands) {
  const CommandResult plain = program("");
  EXPECT_EQ(plain.exit_code, 0);
  for (const char* command : {"detect", "evaluate", "import", "models", "summary", "train"}) {
    EXPECT_THAT(plain.output, HasSubstr(command));
    EXPECT_EQ(program(std::string("help ") + command).output,
              program(std::string(command) + " --help").output);
  }
}

TEST(Manual, VersionNamesLibraries) {
  const CommandResult result = program("--version");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, StartsWith("retinaface "));
  EXPECT_THAT(result.output, HasSubstr("oneDNN "));
}

TEST(Manual, AMistypedWordGetsASuggestion) {
  const auto expect = [](const std::string& arguments, const std::string& text) {
    const CommandResult result = program(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_EQ(result.output, "") << arguments;
    EXPECT_THAT(result.errors, HasSubstr(text)) << arguments;
  };
  expect("detct a.jpg", "no command 'detct'; did you mean 'detect'?");
  expect("evaluate widr", "no command 'widr'; did you mean 'wider'?");
  expect("detect --min-scor 0.3 a.jpg", "no option '--min-scor'; did you mean '--min-score'?");
  expect("detect --min-scor=0.3 a.jpg", "no option '--min-scor'; did you mean '--min-score'?");
  expect("evaluate wider --ground-thruth x", "did you mean '--ground-truth'?");
  expect("evaluate", "expected a command: ");
  expect("detect --qqqqqqqqqq a.jpg", "no option '--qqqqqqqqqq'\n");
  expect("detect --min-score 7 a.jpg", "--min-score");
}

TEST(Manual, ThePageForManHasEveryOption) {
  const CommandResult page = program("man-page");
  EXPECT_THAT(page.output, StartsWith(".TH RETINAFACE 1"));
  for (const char* text : {"detect", "evaluate wider", "\\-\\-min\\-score", "\\-\\-curves"}) {
    EXPECT_THAT(page.output, HasSubstr(text));
  }
}

TEST(Manual, BashCompletesCommandsAndOptions) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "test.sh") << program("completion bash").output
                                    << "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))\n"
                                       "_retinaface; echo \"${COMPREPLY[@]}\"\n";
  const auto completed = [&](const std::string& words) {
    return testing::run("bash '" + (folder / "test.sh").string() + "' retinaface " + words).output;
  };
  EXPECT_EQ(completed("det"), "detect\n");
  EXPECT_EQ(completed("evaluate wi"), "wider\n");
  EXPECT_EQ(completed("detect --min-sc"), "--min-score\n");
  EXPECT_EQ(completed("detect photo.jpg --min-sc"), "--min-score\n");
  EXPECT_EQ(completed("evaluate wider --gro"), "--ground-truth\n");
  EXPECT_EQ(completed("evaluate landmarks --gro"), "\n");
}

TEST(Manual, NothingIsColoredInAPipe) {
  EXPECT_THAT(program("--help").output, Not(HasSubstr("\x1b")));
  EXPECT_THAT(program("detct").errors, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace retinaface
