// What the program says of itself: help, versions, the manual, completion, and answers to mistyped
// words.

#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
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
  for (const char* command :
       {"detect", "evaluate", "import", "models", "serve", "summary", "train"}) {
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

TEST(Manual, WhatCannotBeWrittenIsSaid) {
  for (const char* arguments : {"--version", "--help", "", "models", "man-page", "summary"}) {
    const CommandResult result = program(std::string(arguments) + " > /dev/full");
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_THAT(result.errors, HasSubstr("standard output cannot be written")) << arguments;
  }
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
  expect("help nosuch", "there is no command 'nosuch'\n");
  expect("nosuch --help", "there is no command 'nosuch'\n");
  expect("help evaluate widr", "there is no command 'widr'; did you mean 'wider'?");
  EXPECT_EQ(program("help evaluate wider").exit_code, 0);
}

/// What people bring from other programs, and what is no value: each message names the way out.
TEST(Manual, AMessageSaysTheRemedy) {
  const testing::TemporaryFolder folder;
  const auto expect = [&](const std::string& arguments, const std::string& text, int code = 2) {
    const CommandResult result = testing::run("cd '" + folder.path().string() +
                                              "' && '" RETINAFACE_PROGRAM "' " + arguments);
    EXPECT_EQ(result.exit_code, code) << arguments;
    EXPECT_THAT(result.errors, HasSubstr(text)) << arguments;
    EXPECT_LT(result.errors.size(), 500U) << arguments;
    for (const char* inner : {"TEXT", "POSITIVE", "INT", "FLOAT", "json.exception", "nlohmann"}) {
      EXPECT_THAT(result.errors, Not(HasSubstr(inner))) << arguments;
    }
  };
  expect("detect a.jpg --threshold 0.3", "use --min-score X");
  expect("evaluate wider --conf 0.3", "use --min-score X");
  expect("detect a.jpg --json", "-o FILE.json");
  expect("detect a.jpg -t 0.5", "there is no option '-t': use --min-score X");
  expect("detect a.jpg -v", "use --verbose");
  expect("detect a.jpg --epochs 3", "retinaface train RECIPE --set schedule.epochs=N");
  expect("detect a.jpg --lr 3", "retinaface train RECIPE --set schedule.learning_rate=X");
  expect("serve --threshold 0.5", "min-score=X");
  expect("serve --min-score 0.5", "each request says it: min-score=X");
  expect("serve --iou 0.5", "each request says it: nms=X");
  expect("detect a.jpg --iou 0.5", "there is no option '--iou': use --nms X");
  expect("detect a.jpg --imgsz 640", "--scales X");
  expect("detect a.jpg --half", "use --type bfloat16");
  expect("verify a.jpg b.jpg --recognizer c --conf 0.5", "use --threshold X");
  expect("verify a.jpg b.jpg --recognizer c --far 1e-4", "--far: goes with --evaluation");
  expect("export -o x.onnx --json x.json", "there is no option '--json'\n");
  expect("detect a.jpg --gpu", "--threads N");
  expect("import a --gpu", "'--gpu': the program computes on the processor\n");
  expect("detect a.jpg --batch 8", "--threads N");
  expect("serve --host 0.0.0.0", "use --bind ADDRESS");
  expect("detect a.jpg --codec x264", "no option '--codec'\n");
  expect("dataset check a --json", "> FILE");
  expect("embed a.jpg --json", "-o FILE.jsonl");
  expect("verify a.jpg b.jpg --json", "retinaface embed");
  expect("quantize a --json", "-o FILE.safetensors");
  expect("serve --json", "each answer is JSON");
  expect("detect a.jpg --min-score 0.5 --min-score 0.6", "found it 2 times; leave out all but one");
  expect("import a.onnx -o b.safetensors --input-mean 1,2,3,4", "at most 3 values, found 4");
  expect("export mnet025 slim -o x.onnx", "expected MODEL and options alone, found 'slim'");
  expect("models mnet025", "expected options alone, found 'mnet025'");
  expect("detect a.jpg --quiet=maybe", "--quiet: expected true or false, found 'maybe'");
  expect("detect a.jpg --draw=3", "--draw: expected true or false, found '3'");
  expect("detect a.jpg --quiet=99999999999999999999", "--quiet: expected true or false");
  expect("import a.onnx -o b.safetensors --input-scale 1e39", "a number up to 3.4e+38");
  expect("detect a.jpg --every", "--every: expected a value, found none");
  expect("detect a.jpg --every x", "--every: expected a whole number of 1 or more, found 'x'");
  expect("detect a.jpg --format yaml", "--format: expected coco, csv, json, jsonl, wider");
  for (const char* option :
       {"--min-score", "--nms", "--max-faces", "--min-size", "--tile", "--max-pixels", "--every",
        "--threads", "--align-size", "--jpeg-quality"}) {
    expect(std::string("detect a.jpg ") + option + " nan", "found 'nan'");
  }
  expect("detect a.jpg --min-size nan", "expected a number of 0 or more, found 'nan'");
  for (const char* option : {"--input-mean", "--input-scale"}) {
    for (const char* value : {"nan", "inf", "1e39"}) {
      expect(fmt::format("import a.onnx -o b.safetensors {0} {1}", option, value),
             fmt::format("{}: expected a number", option));
    }
  }
  expect("import a.onnx -o b.safetensors --input-mean -inf", "--input-mean");
  expect("import a.onnx -o b.safetensors --input-mean 1,nan,3", "a number, found 'nan'");
  expect("import a.onnx -o b.safetensors --input-scale 0", "a number over 0");
  expect("evaluate landmarks --min-score nan", "found 'nan'");
  expect("evaluate compare a b --ground-truth c --seed nan", "found 'nan'");
  expect("dataset check a --list nan", "found 'nan'");
  expect("export -o m.txt", "ends in .onnx or .safetensors");
  expect("export -o m.onnx --format safetensors", "ends in .safetensors");
  expect("import a.pth -o m.pt", "ends in .safetensors");

  std::ofstream(folder / "x.pth") << "x";
  std::ofstream(folder / "x.onnx") << "x";
  expect("detect a.jpg --model x.pth", "retinaface import x.pth -o x.safetensors", 1);
  expect("detect a.jpg --model x.onnx", "retinaface import", 1);
  expect("summary x.pth", "retinaface import", 1);
  expect("detect http://localhost:1/a.jpg", "are not fetched", 1);
  expect("detect file:///x/a.jpg", "without file://: /x/a.jpg", 1);
  std::ofstream(folder / "lines") << "a.jpg\nb.jpg\n";
  expect("detect --list lines --null", "leave out --null", 1);
}

TEST(Manual, AnOptionThatWouldDoNothingIsRefused) {
  const testing::TemporaryFolder folder;
  const auto expect = [&](const std::string& arguments, const std::string& text) {
    const CommandResult result =
        testing::run("cd '" + folder.path().string() +
                     "' && '" RETINAFACE_PROGRAM "' detect a.jpg " + arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_THAT(result.errors, HasSubstr(text)) << arguments;
  };
  expect("--align-size 224", "--align-size: goes with --aligned");
  expect("--crops --out o --align-size 224", "--align-size: goes with --aligned");
  expect("--jpeg-quality 80", "--jpeg-quality: goes with --draw or --blur");
  expect("--no-audio", "--no-audio: goes with --draw or --blur");
  expect("--draw-style shaded", "--draw-style: goes with --draw");
  expect("--null", "--list FILE");
  for (const char* name : {"s.bmp", "s.TIF", "s.gif", "s.heic", "s.jp2", "s.avif", "s.pnm"}) {
    expect(std::string("--draw --out ") + name, ".jpg, .png or .webp, found s.");
  }
  expect("--draw --out s.avi", "videos are written as .mp4");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THAT(testing::run("cd '" + folder.path().string() +
                           "' && '" RETINAFACE_PROGRAM "' detect a.jpg --draw --out s.bmp/")
                  .errors,
              HasSubstr("a.jpg"));
}

TEST(Manual, AFileIsNotNamedAsAnotherKind) {
  const testing::TemporaryFolder folder;
  const auto expect = [&](const std::string& arguments, const std::string& text) {
    const CommandResult result = testing::run("cd '" + folder.path().string() +
                                              "' && '" RETINAFACE_PROGRAM "' " + arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_THAT(result.errors, HasSubstr(text)) << arguments;
  };
  for (const char* command : {"summary", "bench", "evaluate set set"}) {
    for (const char* name : {"s.csv", "s.jsonl", "s.PNG", "s.svg"}) {
      expect(fmt::format("{} -o {}", command, name),
             fmt::format("expected a name that ends in .json, found {}", name));
    }
  }
  expect("detect a.jpg -o d.png", "ends in .jsonl or .json or .csv, found d.png");
  expect("dataset convert set --to coco -o s.csv", "--output: expected a name that ends in .json");
  expect("dataset convert set --to label -o s.json", "--output: expected a name that ends in .txt");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_EQ(program("summary -o '" + (folder / "s.figures").string() + "'").exit_code, 0);
}

TEST(Manual, OneOptionNamesTheOutputInAllCommands) {
  for (const char* command :
       {"detect", "export", "import", "dataset check", "dataset convert", "evaluate wider",
        "evaluate landmarks", "evaluate compare", "summary"}) {
    EXPECT_THAT(program(std::string(command) + " --help").output, HasSubstr("-o,")) << command;
    EXPECT_THAT(program(std::string(command) + " --help").output, HasSubstr("--output")) << command;
  }
}

TEST(Manual, HelpHasNoNamesOfTypes) {
  for (const char* command : {"detect", "evaluate compare", "dataset check", "export", "serve"}) {
    const std::string help = program(std::string(command) + " --help").output;
    for (const char* type : {"TEXT", "INT", "FLOAT", "POSITIVE", "NONNEGATIVE"}) {
      EXPECT_THAT(help, Not(HasSubstr(type))) << command;
    }
  }
}

TEST(Manual, SummaryReplacesOnlyItsOwnFiles) {
  const testing::TemporaryFolder folder;
  const std::string file = (folder / "s.json").string();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(program("summary -o " + file).exit_code, 0);
  std::ofstream(file) << "somebody's";
  EXPECT_THAT(program("summary --json " + file).errors, HasSubstr("--overwrite"));
  EXPECT_EQ(program("summary -o " + file + " --overwrite").exit_code, 0);
  const std::string model = (folder / "m").string();
  ASSERT_EQ(program("export --format safetensors -o " + model).exit_code, 0);
  EXPECT_THAT(program("summary " + model + " -o " + model).errors, HasSubstr("is an input"));
}

TEST(Manual, SummaryTakesAModelsFile) {
  const testing::TemporaryFolder folder;
  const std::string file = (folder / "m.safetensors").string();
  ASSERT_EQ(program("export -o " + file).exit_code, 0);
  EXPECT_EQ(program("summary " + file).output, program("summary mnet025").output);
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
