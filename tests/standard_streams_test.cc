// What is told on standard error, and what standard output leads to, must not cost what is done.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/http_client.h"
#include "support/made_recognizer.h"
#include "support/program_folder.h"
#include "support/serving.h"
#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using testing::CommandResult;
using ::testing::HasSubstr;
using testing::lines_of;
using testing::sample_folder;
using ::testing::SizeIs;

class StandardStreams : public testing::ProgramFolder {
 protected:
  StandardStreams() {
    for (const char* name : {"portrait.jpg", "hopper.jpg"}) {
      fs::copy_file(sample_folder() / name, folder_ / name);
    }
    write("text.jpg", "no image");
    testing::write_made_recognizer(folder_ / "rec.safetensors");
  }
};

/// Where nothing can be told: a full disk, a descriptor that is closed.
constexpr const char* kNowhere[] = {"2>/dev/full", "2>&-"};

TEST_F(StandardStreams, MessagesThatCannotBeToldStopNoDetection) {
  const std::string command = "detect portrait.jpg text.jpg hopper.jpg -o r.jsonl ";
  for (const char* nowhere : kNowhere) {
    EXPECT_EQ(run(command + nowhere).exit_code, 1) << nowhere;
    EXPECT_THAT(lines_of(content("r.jsonl")), SizeIs(2)) << nowhere;
    fs::remove(folder_ / "r.jsonl");
  }
  EXPECT_EQ(run("(sleep 0.3; " + command + "; echo $? > code) 2>&1 | true").exit_code, 0);
  for (int i = 0; i < 600 && !fs::exists(folder_ / "code"); ++i) run("sleep 0.1");
  EXPECT_EQ(content("code"), "1\n");
  EXPECT_THAT(lines_of(content("r.jsonl")), SizeIs(2));
}

TEST_F(StandardStreams, MessagesThatCannotBeToldStopNoOtherCommand) {
  for (const std::string nowhere : kNowhere) {
    EXPECT_EQ(run("retinaface embed text.jpg hopper.jpg --recognizer rec.safetensors -o v.jsonl " +
                  nowhere)
                  .exit_code,
              1);
    EXPECT_TRUE(fs::exists(folder_ / "v.jsonl")) << nowhere;
    EXPECT_EQ(run("retinaface quantize mnet025 --images . --count 1 -o q.safetensors " + nowhere)
                  .exit_code,
              0);
    EXPECT_TRUE(fs::exists(folder_ / "q.safetensors")) << nowhere;
    // The table goes where messages go.
    const CommandResult figures = run("retinaface summary --json - " + nowhere);
    EXPECT_EQ(figures.exit_code, 0);
    EXPECT_TRUE(nlohmann::json::accept(figures.output)) << nowhere;
    fs::remove(folder_ / "v.jsonl");
    fs::remove(folder_ / "q.safetensors");
  }
}

TEST_F(StandardStreams, AServiceOutlivesWhoReadsItsMessages) {
  write("serve", "#!/bin/sh\nexec '" RETINAFACE_PROGRAM "' \"$@\" 2>/dev/full\n");
  fs::permissions(folder_ / "serve", fs::perms::owner_all);
  const testing::Serving service(folder_ / "serve", {"--verbose"});
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(testing::http_ask(service.port(), testing::http_request("GET", "/healthz")).status,
              200);
  }
}

TEST_F(StandardStreams, AServiceThatCannotTellItsAddressEnds) {
  const CommandResult result =
      run("timeout -k 5 60 '" RETINAFACE_PROGRAM "' serve --port 0 > /dev/full");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors, "retinaface: standard output cannot be written\n");
}

TEST_F(StandardStreams, AreNoInputs) {
  const std::string before = content("portrait.jpg");
  for (const char* command : {"detect portrait.jpg", "detect - < portrait.jpg",
                              "retinaface embed portrait.jpg --recognizer rec.safetensors"}) {
    const CommandResult result = run(std::string(command) + " >> portrait.jpg");
    EXPECT_EQ(result.exit_code, 1) << command;
    EXPECT_THAT(result.errors, HasSubstr("is an input")) << command;
  }
  EXPECT_TRUE(content("portrait.jpg") == before);
  EXPECT_EQ(run("detect portrait.jpg > r.jsonl").exit_code, 0);
  // What the shell has just made for the results fails as an input, and stops no other.
  EXPECT_EQ(run("detect portrait.jpg r.jsonl > r.jsonl").exit_code, 1);
  EXPECT_THAT(content("r.jsonl"), HasSubstr("portrait.jpg"));
}

/// A descriptor's name leads to a file that others hold, and which may have no name any more.
TEST_F(StandardStreams, MayBeNamedAsAFile) {
  for (const char* format : {"json", "jsonl"}) {
    const CommandResult result = run(std::string("detect portrait.jpg --format ") + format +
                                     " -o /dev/stdout | cat > piped.txt");
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(content("piped.txt"), HasSubstr("portrait.jpg"));
    EXPECT_EQ(
        run(std::string("detect portrait.jpg --format ") + format + " -o /dev/fd/1 > file.txt")
            .exit_code,
        0);
    EXPECT_THAT(content("file.txt"), HasSubstr("portrait.jpg"));
  }
}

/// A folder of whose files each one is left out or read in part.
class WhatIsLeft : public StandardStreams {
 protected:
  WhatIsLeft() {
    const std::string whole = content("portrait.jpg");
    write("in/cut.jpg", whole.substr(0, 60000));
    write("in/raw.cr2", "raw");
    fs::create_directory_symlink(".", folder_ / "in/again");
    fs::copy_file(testing::fixture_folder() / "portrait_twice.gif", folder_ / "in/twice.gif");
    run("detect hopper.jpg --draw --out in/drawn.jpg -o /dev/null");
  }

  static void expect_all_told(const std::string& errors) {
    for (const char* told : {"cut.jpg: ", "1 file left out: 1 .cr2", "1 output of this program",
                             "1 linked folder not searched", "twice.gif: read 1 of 2 frames"}) {
      EXPECT_THAT(errors, HasSubstr(told));
    }
  }
};

TEST_F(WhatIsLeft, IsToldByAllCommands) {
  for (const char* command : {"detect in", "retinaface embed in --recognizer rec.safetensors",
                              "retinaface quantize mnet025 --images in -o q.safetensors"}) {
    SCOPED_TRACE(command);
    const CommandResult result = run(command);
    EXPECT_EQ(result.exit_code, 0);
    expect_all_told(result.errors);
  }
  const CommandResult two =
      run("retinaface verify in/cut.jpg in/twice.gif --recognizer rec.safetensors");
  EXPECT_EQ(two.exit_code, 0) << two.errors;
  EXPECT_THAT(two.errors, HasSubstr("cut.jpg: "));
  EXPECT_THAT(two.errors, HasSubstr("twice.gif: read 1 of 2 frames"));
}

}  // namespace
}  // namespace retinaface
