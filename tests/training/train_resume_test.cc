// `retinaface train` that is killed, stopped or loses a process, and goes on; what it does not
// write over.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/folder_lock.h"
#include "graph/weights.h"
#include "support/content_of.h"
#include "support/testing.h"
#include "support/train_runs.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using testing::count;
using testing::exit_code_of;
using ::testing::HasSubstr;
using testing::kSmallRecipe;
using testing::losses_of;
using testing::Train;

TEST_F(Train, KilledAtAnyMomentItGoesOnAsIfNothingHadHappened) {
  // Of so many epochs that no run ends by itself, however late its kill comes.
  write("long.toml", std::string(kSmallRecipe) + "method = \"adamw\"\n");
  const std::string common =
      "long.toml --set schedule.epochs=100000 --data data --val data --threads 2 "
      "--checkpoint-every 3";
  const auto steps_done = [&] {
    return count(testing::content_of(folder_ / "cut/metrics.jsonl"), "\"step\"");
  };
  // Once at the start, then some steps further each time, at any moment of a step.
  std::minstd_rand random(3);
  for (int round = 0; round < 5; ++round) {
    const std::size_t step = round == 0 ? 0 : steps_done() + 1 + random() % 4;
    const pid_t process =
        start({"long.toml", "--set", "schedule.epochs=100000", "--data", "data", "--val", "data",
               "--threads", "2", "--checkpoint-every", "3", "--out", "cut", "--resume"});
    while (steps_done() < step) {
      ASSERT_EQ(::waitpid(process, nullptr, WNOHANG), 0)
          << testing::content_of(folder_ / "started.txt");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(process, SIGKILL);
    ASSERT_EQ(exit_code_of(process), -SIGKILL) << testing::content_of(folder_ / "started.txt");
  }
  const std::size_t steps = steps_done() + 7;
  const std::string end = " --steps " + std::to_string(steps);
  const auto resumed = train(common + " --out cut --resume" + end);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  ASSERT_EQ(train(common + " --out whole" + end).exit_code, 0);
  const auto expected = losses_of(folder_ / "whole/metrics.jsonl");
  ASSERT_EQ(expected.size(), steps);
  EXPECT_EQ(losses_of(folder_ / "cut/metrics.jsonl"), expected);
  for (const char* name : {"last.safetensors", "best.safetensors", "recipe.toml"}) {
    EXPECT_TRUE(testing::content_of(folder_ / "cut" / name) ==
                testing::content_of(folder_ / "whole" / name))
        << name;
  }
}

TEST_F(Train, StoppedBySignalItSavesAndGoesOn) {
  const pid_t process = start({"small.toml", "--data", "data", "--threads", "2", "--out", "cut"});
  while (losses_of(folder_ / "cut/metrics.jsonl").size() < 3) {
    ASSERT_EQ(::waitpid(process, nullptr, WNOHANG), 0)
        << testing::content_of(folder_ / "started.txt");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ::kill(process, SIGTERM);
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(testing::content_of(folder_ / "started.txt"), HasSubstr("go on with --resume"));
  const auto before = losses_of(folder_ / "cut/metrics.jsonl");
  ASSERT_EQ(train("small.toml --data data --threads 2 --out cut --resume").exit_code, 0);
  const auto after = losses_of(folder_ / "cut/metrics.jsonl");
  ASSERT_EQ(after.size(), 40U);
  EXPECT_EQ(std::vector(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(before.size())),
            before);
}

TEST_F(Train, ASignalEndsAWaitForAPipe) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe.safetensors").c_str(), 0600), 0);
  const testing::CommandResult ended = testing::run(
      "cd '" + folder_.path().string() +
      "' && '" RETINAFACE_PROGRAM
      "' train small.toml --data data --init pipe.safetensors --out out & "
      // From when it catches SIGTERM on, bit 14 of SigCgt, one that comes ends its wait.
      "for i in $(seq 1000); do grep -q '^SigCgt:.*[4-7c-f]...$' /proc/$!/status && break; "
      "sleep 0.02; done; "
      "kill -TERM $!; wait $!");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.errors, HasSubstr("pipe.safetensors: interrupted"));
}

#ifdef RETINAFACE_WITH_GLOO

// From weights that are trained already: from random ones roundings would grow within these steps.
std::string trained_weights() {
  return testing::sample_folder().parent_path() / "weights/mnet025.safetensors";
}

TEST_F(Train, TwoProcessesOfHalfABatchEqualOneOfTheWhole) {
  write("shared.toml", R"(
[input]
side_px = 96
batch = 8
[optimizer]
average_decay = 0.9
[schedule]
epochs = 12
learning_rate = 1e-4
)");
  const std::string init = trained_weights();
  ASSERT_EQ(
      train("shared.toml --data data --val data --out one --threads 1 --init " + init).exit_code,
      0);
  const auto processes = start_two({"shared.toml", "--data", "data", "--val", "data", "--out",
                                    "two", "--threads", "1", "--init", init});
  for (const pid_t process : processes) ASSERT_EQ(exit_code_of(process), 0);
  EXPECT_EQ(testing::content_of(folder_ / "process_1.txt"), "");  // the first one speaks for both
  std::istringstream one(testing::content_of(folder_ / "one/metrics.jsonl"));
  std::istringstream two(testing::content_of(folder_ / "two/metrics.jsonl"));
  int steps = 0;
  for (std::string a, b; std::getline(one, a) && std::getline(two, b);) {
    const json expected = json::parse(a);
    const json got = json::parse(b);
    if (!expected.contains("step")) continue;
    ++steps;
    for (const char* key : {"step", "loss", "loss_cls", "loss_box", "loss_landmarks"}) {
      const double want = expected.at(key);
      EXPECT_NEAR(got.at(key).get<double>(), want, 1e-3 * want) << key << " of step " << steps;
    }
  }
  EXPECT_EQ(steps, 12);
}

// The launcher would end the first process as soon as the second is gone.
TEST_F(Train, StoppedProcessesEndTogetherWhenAllIsSaved) {
  const std::vector<std::string> words = {"small.toml", "--data", "data",   "--out",          "run",
                                          "--threads",  "1",      "--init", trained_weights()};
  const auto processes = start_two(words);
  while (losses_of(folder_ / "run/metrics.jsonl").size() < 4) {
    ASSERT_EQ(::waitpid(processes[0], nullptr, WNOHANG), 0)
        << testing::content_of(folder_ / "process_0.txt");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(processes[1], SIGTERM);
  EXPECT_EQ(exit_code_of(processes[1]), 1);
  // What it has waited for is there already.
  const std::size_t steps = losses_of(folder_ / "run/metrics.jsonl").size();
  const graph::Weights checkpoint = graph::read_safetensors(folder_ / "run/checkpoint.safetensors");
  EXPECT_EQ(checkpoint.metadata.at("step"), std::to_string(steps));
  EXPECT_EQ(exit_code_of(processes[0]), 1);
  EXPECT_THAT(testing::content_of(folder_ / "process_0.txt"), HasSubstr("go on with --resume"));
}

/// What becomes of a run of two processes when the second gets the signal.
class LostProcess : public Train, public ::testing::WithParamInterface<int> {};

TEST_P(LostProcess, EndsTheRunWithACheckpoint) {
  write("long.toml", std::string(kSmallRecipe) + "[validation]\nevery_epochs = 100000\n");
  std::vector<std::string> words = {"long.toml",          "--data", "data",      "--out", "run",
                                    "--checkpoint-every", "2",      "--threads", "1",     "--init",
                                    trained_weights()};
  std::vector<std::string> impatient = words;
  impatient.insert(impatient.end(), {"--worker-timeout", "8"});
  const auto processes = start_two(impatient);
  while (losses_of(folder_ / "run/metrics.jsonl").size() < 4) {
    ASSERT_EQ(::waitpid(processes[0], nullptr, WNOHANG), 0)
        << testing::content_of(folder_ / "process_0.txt");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(processes[1], GetParam());
  EXPECT_EQ(exit_code_of(processes[0]), 1);
  ::kill(processes[1], SIGKILL);
  EXPECT_EQ(exit_code_of(processes[1]), -SIGKILL);
  EXPECT_THAT(testing::content_of(folder_ / "process_0.txt"),
              AllOf(HasSubstr("another process of the run is gone"), HasSubstr("--resume")));
  const std::size_t steps = losses_of(folder_ / "run/metrics.jsonl").size() + 4;
  words.insert(words.end(), {"--resume", "--steps", std::to_string(steps)});
  for (const pid_t process : start_two(words)) EXPECT_EQ(exit_code_of(process), 0);
  EXPECT_EQ(losses_of(folder_ / "run/metrics.jsonl").size(), steps);
}

INSTANTIATE_TEST_SUITE_P(Train, LostProcess, ::testing::Values(SIGKILL, SIGSTOP),
                         [](const auto& signal) {
                           return signal.param == SIGKILL ? "ThatIsKilled" : "ThatHangs";
                         });

#endif

TEST_F(Train, RefusesToGoOnWithAnotherRunOrADamagedCheckpoint) {
  ASSERT_EQ(train("small.toml --data data --out run --steps 3").exit_code, 0);
  const auto expect_error = [&](const std::string& arguments, const std::string& part) {
    const auto result = train(arguments + " --out run");
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_THAT(result.errors, AllOf(HasSubstr("run"), HasSubstr(part)));
    EXPECT_EQ(losses_of(folder_ / "run/metrics.jsonl").size(), 3U);
  };
  expect_error("small.toml --data data", "holds a run already");
  expect_error("small.toml --data data --resume --seed 2", "seed 1, not 2");
  write("other.toml", std::string(kSmallRecipe) + "momentum = 0.5\n");
  expect_error("other.toml --data data --resume",
               "expected 'momentum = 0.5', found 'momentum = 0.9'");
  fs::copy(folder_ / "data", folder_ / "more", fs::copy_options::recursive);
  write("more/label.txt", testing::content_of(folder_ / "data/label.txt") + "# 0.png\n1 1 20 20\n");
  expect_error("small.toml --data more --resume", "# 9 images");

  const fs::path checkpoint = folder_ / "run/checkpoint.safetensors";
  const std::string whole = testing::content_of(checkpoint);
  for (const std::size_t length : {std::size_t{0}, std::size_t{5}, whole.size() / 2}) {
    write("run/checkpoint.safetensors", whole.substr(0, length));
    expect_error("small.toml --data data --resume", "checkpoint.safetensors");
  }
}

TEST_F(Train, ReplacesNoFileThatIsNotItsOwn) {
  fs::create_directory(folder_ / "mine");
  fs::create_directory(folder_ / "mine/report");
  for (const char* const name :
       {"report/index.html", "report", "recipe.toml", "best.safetensors", "metrics.jsonl"}) {
    write(std::string("mine/") + name, "of the user");
    const auto result = train("small.toml --data data --out mine --steps 1");
    EXPECT_EQ(result.exit_code, 1);
    const std::string refused = fs::path(name).begin()->string();
    EXPECT_THAT(result.errors,
                AllOf(HasSubstr("mine/" + refused + ":"), HasSubstr("choose another folder")));
    EXPECT_EQ(testing::content_of(folder_ / "mine" / name), "of the user");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "mine"), {}), 1);
    fs::remove_all(folder_ / "mine" / refused);
  }
  // A run whose checkpoint was removed keeps its weights.
  ASSERT_EQ(train("small.toml --data data --out mine --steps 1").exit_code, 0);
  fs::remove(folder_ / "mine/checkpoint.safetensors");
  const std::string weights = testing::content_of(folder_ / "mine/best.safetensors");
  const auto result = train("small.toml --data data --out mine --steps 1 --seed 7");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors,
              AllOf(HasSubstr("mine/best.safetensors:"), HasSubstr("choose another folder")));
  EXPECT_EQ(testing::content_of(folder_ / "mine/best.safetensors"), weights);
  // What is left of a run that came to no checkpoint is begun anew.
  const auto again = train("small.toml --data data --out mine --steps 1 --resume");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.errors,
              HasSubstr("mine: has no checkpoint to go on from; the training begins"));
}

TEST_F(Train, TwoRunsNeverWriteIntoOneFolder) {
  ASSERT_EQ(train("small.toml --data data --out run --steps 1").exit_code, 0);
  const std::string before = testing::content_of(folder_ / "run/checkpoint.safetensors");
  const FolderLock other(folder_ / "run");
  const auto result = train("small.toml --data data --out run --steps 2 --resume");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("run: another run"), HasSubstr("another folder")));
  EXPECT_EQ(testing::content_of(folder_ / "run/checkpoint.safetensors"), before);
}

TEST_F(Train, GoesOnFromACheckpointThatIsOlderThanAKey) {
  ASSERT_EQ(train("small.toml --data data --out run --steps 3").exit_code, 0);
  const fs::path checkpoint = folder_ / "run/checkpoint.safetensors";
  graph::Weights content = graph::read_safetensors(checkpoint);
  std::string& run = content.metadata.at("run");
  for (const std::string line : {"accumulate = 1\n", "recompute = false\n"}) {
    const std::size_t at = run.find(line);
    ASSERT_NE(at, std::string::npos) << run;
    run.erase(at, line.size());
  }
  graph::write_safetensors(checkpoint, content);
  const auto result = train("small.toml --data data --out run --steps 5 --resume");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(losses_of(folder_ / "run/metrics.jsonl").size(), 5U);
}

}  // namespace
}  // namespace retinaface
