// Every option of every command by which a file is written, with what may stand there already: an
// input, somebody else's file, a folder.

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/made_recognizer.h"
#include "support/program_folder.h"
#include "support/testing.h"
#include "support/wider_set.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using testing::CommandResult;
using ::testing::HasSubstr;

struct Writer {
  std::string option;   ///< as --help has it
  std::string command;  ///< which reads `input`; OUT stands for the place
  std::string input;
  std::string extension;       ///< of the file; empty for a folder
  std::string in_folder = {};  ///< a file that is written below the folder
};

const std::vector<Writer>& writers() {
  static const std::vector<Writer> all = {
      {"detect --output", "detect p.jpg -o OUT", "p.jpg", ".jsonl"},
      {"detect --output", "detect p.jpg -o OUT", "p.jpg", ".csv"},
      {"detect --output", "detect p.jpg -o OUT", "p.jpg", ".json"},
      {"detect --output", "detect p.jpg --format coco -o OUT", "p.jpg", ".json"},
      {"detect --out", "detect p.jpg --draw --out OUT", "p.jpg", ".png"},
      {"detect --out", "detect p.jpg --draw --out OUT", "p.jpg", "", "p.jpg"},
      {"detect --out", "detect p.jpg --crops --out OUT", "p.jpg", "", "p.jpg.faces/0.png"},
      {"detect --out", "detect p.jpg --aligned --out OUT", "p.jpg", "", "p.jpg.aligned/0.png"},
      {"detect --out", "detect set/e/p.jpg --format wider --out OUT", "set/e/p.jpg", "", "e/p.txt"},
      {"detect --mesh-out", "detect p.jpg --mesh-out OUT", "p.jpg", "", "p.jpg.meshes/0.obj"},
      {"embed --output", "retinaface embed p.jpg --recognizer rec -o OUT", "p.jpg", ".jsonl"},
      {"embed --output", "retinaface embed p.jpg --recognizer rec -o OUT", "p.jpg", ".npy"},
      {"evaluate wider --save-predictions",
       "evaluate wider --ground-truth truth --images set --model mnet025 --save-predictions OUT",
       "set/e/p.jpg", "", "e/p.txt"},
      {"evaluate wider --false-alarms",
       "evaluate wider --ground-truth truth --images set --model mnet025 --false-alarms OUT",
       "set/e/p.jpg", "", "0001_1.00_p.png"},
      {"evaluate wider --output",
       "evaluate wider --ground-truth truth --predictions found --json OUT", "found/e/p.txt",
       ".json"},
      {"evaluate wider --curves",
       "evaluate wider --ground-truth truth --predictions found --curves OUT", "found/e/p.txt",
       ".svg"},
      {"evaluate set --output", "evaluate set label.txt --json OUT", "label.txt", ".json"},
      {"evaluate landmarks --output",
       "evaluate landmarks --labels points.txt --images set/e --json OUT", "points.txt", ".json"},
      {"evaluate landmarks --curves",
       "evaluate landmarks --labels points.txt --images set/e --curves OUT", "points.txt", ".pdf"},
      {"evaluate compare --output", "evaluate compare --ground-truth truth found found2 --json OUT",
       "found/e/p.txt", ".json"},
      {"evaluate compare --curves",
       "evaluate compare --ground-truth truth found found2 --curves OUT", "found/e/p.txt", ".png"},
      {"evaluate compare --out",
       "evaluate compare --ground-truth truth found found2 --images set --out OUT", "found/e/p.txt",
       "", "index.html"},
      {"evaluate verification --output",
       "evaluate verification --pairs pairs.txt --images set/e --recognizer rec --json OUT",
       "pairs.txt", ".json"},
      {"evaluate verification --curves",
       "evaluate verification --pairs pairs.txt --images set/e --recognizer rec --curves OUT",
       "pairs.txt", ".png"},
      {"evaluate verification --points-curve",
       "evaluate verification --pairs pairs.txt --images set/e --recognizer rec --model mnet025 "
       "--move-points --points-curve OUT",
       "pairs.txt", ".png"},
      {"evaluate verification --cache",
       "evaluate verification --pairs pairs.txt --images set/e --recognizer rec --cache OUT",
       "pairs.txt", ".cache"},
      {"export --output", "retinaface export m -o OUT", "m", ".onnx"},
      {"export --output", "retinaface export m -o OUT", "m", ".safetensors"},
      {"import --output", "retinaface import m -o OUT", "m", ".safetensors"},
      {"quantize --output", "retinaface quantize m --images calibration --count 1 -o OUT", "m",
       ".safetensors"},
      {"summary --output", "retinaface summary m --json OUT", "m", ".json"},
      {"bench --output",
       "retinaface bench --model m --size 64x64 --threads 1 --seconds 0.01 --json OUT", "m",
       ".json"},
      {"bench --chart",
       "retinaface bench --model m --size 64x64 --threads 1 --seconds 0.01 --chart OUT", "m",
       ".svg"},
      {"dataset check --output", "retinaface dataset check label.txt --draw 1 --out OUT", "p.jpg",
       "", "p.jpg"},
      {"dataset convert --output", "retinaface dataset convert label.txt --to coco -o OUT", "p.jpg",
       ".json"},
  };
  return all;
}

/// Writers that are tested elsewhere, and why not here.
const std::set<std::string> kElsewhere = {
    "train --output",          // a folder that it owns: tests/training/train_resume_test.cc
    "evaluate mesh --output",  // its labels take a made model of faces; both go through
                               // announce_figures,
    "evaluate mesh --curves",  // as those of evaluate landmarks do
};

/// Options with a value that name no file that is written.
const std::set<std::string> kReadOrSaid = {"--list",         "--model",
                                           "--backend",      "--type",
                                           "--scales",       "--background",
                                           "--format",       "--draw-style",
                                           "--embed",        "--recognizer",
                                           "--evaluation",   "--far",
                                           "--ground-truth", "--predictions",
                                           "--images",       "--mode",
                                           "--name",         "--category",
                                           "--labels",       "--aflw",
                                           "--pairs",        "--templates",
                                           "--init",         "--size",
                                           "--part",         "--input-channels",
                                           "--method",       "--image",
                                           "--bind",         "--api-key-file",
                                           "--cors-origin",  "--set",
                                           "--data",         "--teacher",
                                           "--val",          "--decoder",
                                           "--device",       "--to"};

class Writers : public testing::ProgramFolder {
 protected:
  void SetUp() override {
    for (const char* name : {"p.jpg", "set/e/p.jpg", "set/e/q.jpg", "q.jpg", "calibration/c.jpg"}) {
      fs::create_directories((folder_ / name).parent_path());
      fs::copy_file(testing::sample_folder() / "portrait.jpg", folder_ / name);
    }
    write("label.txt", "# p.jpg\n177 58 94 120\n");
    write("points.txt",
          "# p.jpg\n177 58 94 120 204 103 0 247 103 0 226 130 0 207 150 0 243 150 0 1\n");
    std::string pairs;
    for (int i = 0; i < 5; ++i) pairs += "p.jpg p.jpg 1\np.jpg q.jpg 0\n";
    write("pairs.txt", pairs);
    const testing::WiderSet::Image image = {
        .event = "e", .name = "p", .faces = {{10, 20, 30, 40}}, .counted = {{{1}, {1}, {1}}}};
    testing::write_ground_truth({{image}}, folder_ / "truth");
    for (const char* name : {"found", "found2"}) {
      testing::write_predictions(image, testing::perfect_lines(image), folder_ / name);
    }
    testing::write_made_recognizer(folder_ / "rec");
    ASSERT_EQ(run("retinaface export mnet025 --format safetensors -o m").exit_code, 0);
  }

  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      const std::string name = fs::relative(entry.path(), folder_.path());
      if (entry.is_regular_file()) files[name] = content(name);
    }
    return files;
  }

  CommandResult run_to(const Writer& writer, const std::string& place,
                       const std::string& more = {}) const {
    std::string command = writer.command;
    return run(command.replace(command.find("OUT"), 3, place) + more);
  }

  /// Where a file is put in the writer's way, for the place `out`.
  static std::string target(const Writer& writer, const std::string& out) {
    return writer.in_folder.empty() ? out : out + "/" + writer.in_folder;
  }
};

/// The command fails and says `reason`.
void expect_refused(const CommandResult& result, const std::string& reason) {
  EXPECT_NE(result.exit_code, 0) << result.output;
  EXPECT_NE(result.errors, "");
  EXPECT_THAT(result.errors, HasSubstr(reason));
}

TEST_F(Writers, KeepInputsAndWhatIsSomebodyElses) {
  int number = 0;
  for (const Writer& writer : writers()) {
    SCOPED_TRACE(writer.command + " " + writer.extension);
    const auto new_place = [&] { return fmt::format("o{}{}", ++number, writer.extension); };
    const auto put = [&](const std::string& out, auto make) {
      fs::create_directories((folder_ / target(writer, out)).parent_path());
      make(folder_ / target(writer, out));
    };
    const std::string foreign = new_place();
    put(foreign, [](const fs::path& path) { std::ofstream(path) << "somebody's"; });
    const std::string link = new_place();
    put(link, [&](const fs::path& path) { fs::create_symlink(folder_ / writer.input, path); });
    const std::string hard = new_place();
    put(hard, [&](const fs::path& path) { fs::create_hard_link(folder_ / writer.input, path); });
    const std::string folder = new_place();
    put(folder, [](const fs::path& path) { fs::create_directory(path); });
    const std::string below_a_file = "label.txt/o" + writer.extension;
    const auto before = contents();
    const bool owns_by_content = writer.option == "evaluate verification --cache";
    expect_refused(run_to(writer, foreign), owns_by_content ? "" : "--overwrite");
    expect_refused(run_to(writer, link, " --overwrite"), "");
    expect_refused(run_to(writer, hard, " --overwrite"), "");
    // Into a folder of that name these write as into any.
    const bool takes_folder =
        writer.in_folder.empty() &&
        (writer.option == "detect --out" || writer.option == "dataset convert --output");
    if (!takes_folder) expect_refused(run_to(writer, folder), "");
    expect_refused(run_to(writer, below_a_file), "label.txt");
    EXPECT_TRUE(contents() == before);
  }
}

TEST_F(Writers, RepeatThemselvesAndReplaceWhatIsToBeReplaced) {
  int number = 0;
  for (const Writer& writer : writers()) {
    SCOPED_TRACE(writer.command + " " + writer.extension);
    const std::string place = fmt::format("o{}{}", ++number, writer.extension);
    const std::string file = target(writer, place);
    for (int time = 0; time < 2; ++time) {
      const CommandResult result = run_to(writer, place);
      EXPECT_EQ(result.exit_code, 0) << time << ": " << result.errors;
    }
    ASSERT_TRUE(fs::is_regular_file(folder_ / file)) << file;
    EXPECT_NE(content(file), "");
    if (writer.option == "evaluate verification --cache")
      continue;  // is gone on with, never replaced
    write(file, "somebody's");
    const CommandResult result = run_to(writer, place, " --overwrite");
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_NE(content(file), "somebody's");
  }
}

TEST_F(Writers, KeepWhatStandardInputAndPipesAreReadFrom) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  fs::copy_file(folder_ / "p.jpg", folder_ / "v.mp4.part");
  fs::copy_file(folder_ / "p.jpg", folder_ / "p");
  write("list", "p.jpg\n");
  const auto before = contents();
  for (const char* command :
       {"detect - -o p --overwrite < p", "detect - --draw --out p.jpg --overwrite < p.jpg",
        "detect --list - -o list --overwrite < list", "detect pipe -o pipe"}) {
    SCOPED_TRACE(command);
    expect_refused(run(command), "is an input");
  }
  EXPECT_TRUE(contents() == before);
}

TEST_F(Writers, WaitForThePipesReaderUntilTheyAreInterrupted) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  // From when it catches SIGTERM on, bit 14 of SigCgt, one that comes ends its wait.
  const CommandResult ended =
      run("'" RETINAFACE_PROGRAM
          "' detect p.jpg -o pipe & "
          "for i in $(seq 1000); do grep -q '^SigCgt:.*[4-7c-f]...$' /proc/$!/status && break; "
          "sleep 0.02; done; "
          "kill -TERM $!; wait $!");
  EXPECT_NE(ended.exit_code, 0);
  EXPECT_THAT(ended.errors, HasSubstr("pipe: interrupted"));
  const CommandResult read = run("retinaface detect p.jpg -o pipe & cat pipe; wait $!");
  EXPECT_EQ(read.exit_code, 0) << read.errors;
  EXPECT_THAT(read.output, HasSubstr(R"("score")"));
}

TEST_F(Writers, MayHaveWrittenAmongTheInputs) {
  for (const char* command :
       {"evaluate landmarks --labels points.txt --images . --json r.json --curves r.svg",
        "evaluate verification --pairs pairs.txt --images . --recognizer rec --json r.json"}) {
    for (int time = 0; time < 2; ++time) {
      const CommandResult result = run(command);
      EXPECT_EQ(result.exit_code, 0) << command << ", " << time << ": " << result.errors;
    }
  }
}

TEST_F(Writers, AreAllKnownHere) {
  std::set<std::string> known = kElsewhere;
  for (const Writer& writer : writers()) known.insert(writer.option);
  std::set<std::string> found;
  for (const char* command : {"detect", "embed", "verify", "evaluate wider", "evaluate set",
                              "evaluate landmarks", "evaluate compare", "evaluate verification",
                              "evaluate mesh", "export", "import", "quantize", "summary", "bench",
                              "models", "serve", "train", "dataset check", "dataset convert"}) {
    const CommandResult help = run(fmt::format("retinaface {} --help", command));
    ASSERT_EQ(help.exit_code, 0) << command;
    const std::regex option(R"(^ +(?:-\w,)?((?:--[\w-]+,?)+) VALUE)");
    for (const std::string& line : testing::lines_of(help.output)) {
      std::smatch match;
      if (!std::regex_search(line, match, option)) continue;
      const std::string names = match[1];
      const std::string last = names.substr(names.rfind("--"));
      if (kReadOrSaid.contains(last)) continue;
      found.insert(fmt::format("{} {}", command, last));
    }
  }
  EXPECT_EQ(found, known)
      << "a new option that writes a file belongs to writers(), one that does not "
         "to kReadOrSaid";
}

}  // namespace
}  // namespace retinaface
