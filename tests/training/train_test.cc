// `retinaface train` as a user meets it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "retinaface/detector.h"

#include "base/folder_lock.h"
#include "graph/weights.h"
#include "models/catalogue.h"
#include "support/content_of.h"
#include "support/free_port.h"
#include "support/testing.h"
#include "support/torch_writer.h"
#include "support/training_set.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSmallRecipe = R"(
model = "mnet025"
[input]
side_px = 64
batch = 4
[schedule]
epochs = 20
learning_rate = 1e-3
warmup_epochs = 1
milestones = [10, 15]
[optimizer]
average_decay = 0.9
)";

/// The losses and the rate of each step in a file of metrics, and nothing that depends on time.
std::vector<std::string> losses_of(const fs::path& metrics) {
  std::vector<std::string> losses;
  std::istringstream lines(testing::content_of(metrics));
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line);
    if (!entry.contains("step")) continue;
    std::string text;
    for (const char* key :
         {"step", "loss", "loss_cls", "loss_box", "loss_landmarks", "learning_rate"}) {
      text += entry.at(key).dump() + " ";
    }
    losses.push_back(text);
  }
  return losses;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

class Train : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_training_set(folder_ / "data", 8, 96, 6);
    write("small.toml", kSmallRecipe);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  /// In the temporary folder, as `ENVIRONMENT retinaface train ARGUMENTS`.
  CommandResult train(const std::string& arguments, const std::string& environment = "") const {
    return testing::run("cd '" + folder_.path().string() + "' && " + environment +
                        " '" RETINAFACE_PROGRAM "' train " + arguments);
  }

  using Variables = std::vector<std::pair<std::string, std::string>>;

  /// Starts the same without a shell in between; returns the process. What it says goes to the file
  /// `name`.
  pid_t start(std::vector<std::string> words, const Variables& environment = {},
              const std::string& name = "started.txt") const {
    const std::string out = folder_ / name;
    const pid_t process = ::fork();
    if (process == 0) {
      const int file = ::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(file, STDERR_FILENO);
      for (const auto& [variable, value] : environment) {
        ::setenv(variable.c_str(), value.c_str(), 1);
      }
      if (::chdir(folder_.path().c_str()) != 0) ::_exit(127);
      words.insert(words.begin(), {"retinaface", "train"});
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execv(RETINAFACE_PROGRAM, arguments.data());
      ::_exit(127);
    }
    return process;
  }

  /// Starts two processes of one run as torchrun would.
  std::vector<pid_t> start_two(const std::vector<std::string>& words) const {
    const std::string port = std::to_string(testing::free_port());
    std::vector<pid_t> processes;
    for (const char* rank : {"0", "1"}) {
      processes.push_back(start(words, {{"RANK", rank}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", port}},
                                std::string("process_") + rank + ".txt"));
    }
    return processes;
  }

  const testing::TemporaryFolder folder_;
};

/// Waits for a process; its exit code, or -signal if one ended it.
int exit_code_of(pid_t process) {
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

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
  const CommandResult ended = testing::run(
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

TEST_F(Train, EndsEarlyOnTheSameSchedule) {
  ASSERT_EQ(train("small.toml --data data --out whole").exit_code, 0);
  ASSERT_EQ(train("small.toml --data data --out short --steps 7").exit_code, 0);
  auto expected = losses_of(folder_ / "whole/metrics.jsonl");
  ASSERT_EQ(expected.size(), 40U);
  expected.resize(7);
  EXPECT_EQ(losses_of(folder_ / "short/metrics.jsonl"), expected);
  // Asked for more steps, it goes on.
  ASSERT_EQ(train("small.toml --data data --out short --steps 40 --resume").exit_code, 0);
  EXPECT_EQ(losses_of(folder_ / "short/metrics.jsonl"), losses_of(folder_ / "whole/metrics.jsonl"));
}

TEST_F(Train, SaysOnceWhatItGoesWithout) {
  const auto bare = train("small.toml --data data --out bare --steps 2");
  ASSERT_EQ(bare.exit_code, 0) << bare.errors;
  EXPECT_EQ(bare.output, "");
  EXPECT_EQ(count(bare.errors, "no --init"), 1U);
  EXPECT_EQ(count(bare.errors, "no --val"), 1U);
  EXPECT_TRUE(testing::content_of(folder_ / "bare/best.safetensors") ==
              testing::content_of(folder_ / "bare/last.safetensors"));

  const auto full = train(
      "small.toml --data data --out full --steps 2 --val data "
      "--init bare/last.safetensors");
  ASSERT_EQ(full.exit_code, 0) << full.errors;
  EXPECT_THAT(full.errors, AllOf(Not(HasSubstr("no --")), HasSubstr("validated")));
}

TEST_F(Train, TakesFloat32WhereTheProcessorHasNoBfloat16) {
  write("rounded.toml", std::string(kSmallRecipe) + "[compute]\narithmetic = \"bfloat16\"\n");
  constexpr const char* kOlderProcessor = "RETINAFACE_SIMD=avx2";
  const auto rounded =
      train("rounded.toml --data data --out rounded --steps 3 --threads 1", kOlderProcessor);
  ASSERT_EQ(rounded.exit_code, 0) << rounded.errors;
  EXPECT_EQ(count(rounded.errors, "no bfloat16 instructions"), 1U);
  const auto exact =
      train("small.toml --data data --out exact --steps 3 --threads 1", kOlderProcessor);
  ASSERT_EQ(exact.exit_code, 0) << exact.errors;
  EXPECT_THAT(exact.errors, Not(HasSubstr("bfloat16")));
  EXPECT_EQ(losses_of(folder_ / "rounded/metrics.jsonl"),
            losses_of(folder_ / "exact/metrics.jsonl"));
}

/// How many records a TFRecord file has; -1 if its lengths do not add up.
int count_records(const std::string& file) {
  int records = 0;
  std::size_t place = 0;
  while (place + 8 <= file.size()) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data() + place, sizeof length);
    place += 8 + 4 + length + 4;
    ++records;
  }
  return place == file.size() ? records : -1;
}

TEST_F(Train, EndsWithAReport) {
  const auto result = train("small.toml --data data --val data --out run --steps 4");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("run/report/index.html"));
  const std::string page = testing::content_of(folder_ / "run/report/index.html");
  EXPECT_THAT(page, AllOf(HasSubstr("validation: ap"), HasSubstr("learning_rate = 0.001")));
  // What the page shows is there.
  std::size_t images = 0;
  for (std::size_t at = page.find("src=\""); at != std::string::npos;
       at = page.find("src=\"", at + 1)) {
    const std::size_t begin = at + 5;
    const std::string name = page.substr(begin, page.find('"', begin) - begin);
    EXPECT_TRUE(fs::exists(folder_ / "run/report" / name)) << name;
    images += name.ends_with(".jpg") ? 1U : 0U;
  }
  EXPECT_EQ(images, 4U + 6U);  // a batch of training, six of validation
  // One event for each step and validation, and the first one.
  const std::string metrics = testing::content_of(folder_ / "run/metrics.jsonl");
  EXPECT_EQ(count_records(testing::content_of(folder_ / "run/events.out.tfevents.0.retinaface")),
            static_cast<int>(count(metrics, "\n")) + 1);
}

// Of several values each option takes one: what comes after it is the recipe.
TEST_F(Train, TakesTheRecipeAfterAnyOption) {
  for (const char* const arguments :
       {"--teacher mnet025 small.toml --data data", "--data data small.toml",
        "--set input.batch=2 small.toml --data data"}) {
    fs::remove_all(folder_ / "run");
    const auto result = train(std::string(arguments) + " --steps 1 --out run");
    EXPECT_EQ(result.exit_code, 0) << arguments << ": " << result.errors;
  }
  const auto several = train(
      "--data data --data data --teacher mnet025 --teacher mnet025 small.toml "
      "--set 'distillation.teachers = [1, 2, 2]' --set input.batch=2 --steps 1 --out several");
  EXPECT_EQ(several.exit_code, 0) << several.errors;
}

TEST_F(Train, WritesModelsThatDetect) {
  ASSERT_EQ(train("small.toml --data data --out run --steps 2").exit_code, 0);
  const auto detected = testing::run("'" RETINAFACE_PROGRAM "' detect --model '" +
                                     (folder_ / "run/best.safetensors").string() + "' '" +
                                     (testing::sample_folder() / "portrait.jpg").string() + "'");
  EXPECT_EQ(detected.exit_code, 0) << detected.errors;
  EXPECT_THAT(detected.output, HasSubstr("faces"));
}

TEST_F(Train, KeepsFrozenLayersAsTheyWere) {
  ASSERT_EQ(train("small.toml --data data --out start --steps 1").exit_code, 0);
  const auto result = train(
      "small.toml --set 'optimizer.frozen = [\"body.stage1\", \"body.stage2.0\"]' --data data "
      "--out run --steps 5 --init start/last.safetensors");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const graph::Weights before = graph::read_safetensors(folder_ / "start/last.safetensors");
  const graph::Weights after = graph::read_safetensors(folder_ / "run/last.safetensors");
  std::size_t frozen = 0;
  std::size_t moved = 0;  // a bias of a level that no face is on may stay
  for (const auto& [name, tensor] : before.tensors) {
    const bool same = std::ranges::equal(tensor.values(), after.at(name).values());
    const bool meant = name.starts_with("body.stage1") || name.starts_with("body.stage2.0");
    if (meant) {
      EXPECT_TRUE(same) << name;
    }
    frozen += meant ? 1U : 0U;
    moved += same ? 0U : 1U;
  }
  EXPECT_GT(frozen, 10U);
  EXPECT_GT(moved, (before.tensors.size() - frozen) * 9 / 10);
}

TEST_F(Train, RefusesAWrongRecipeInOneLine) {
  const std::pair<const char*, std::vector<const char*>> cases[] = {
      {"model = \"mnet025\"\nmodle = 1\n", {"bad.toml:2:", "'modle'", "expected one of", "model"}},
      {"[loss]\ncls_weigth = 1\n", {"bad.toml:2:", "'cls_weigth' in [loss]", "cls_weight"}},
      {"[input]\nside_px = \"big\"\n", {"bad.toml:2:", "expected a whole number for side_px"}},
      {"[input]\nside_px = 7\n", {"bad.toml:2:", "expected side_px from 32 to 8192, found 7"}},
      {"[schedule]\ndecay = \"stairs\"\n", {"bad.toml:2:", "expected 'steps' or 'cosine'"}},
      {"[optimizer]\nfrozen = [\"bodi\"]\n", {"bad.toml:", "frozen", "'bodi'", "body."}},
      {"model = \"mnet\"\n", {"bad.toml:", "mnet025"}},
      {"[input\n", {"bad.toml:1:", "not TOML"}},
  };
  for (const auto& [text, parts] : cases) {
    write("bad.toml", text);
    const auto result = train("bad.toml --data data --out bad");
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(count(result.errors, "\n"), 1U) << result.errors;
    for (const char* part : parts) EXPECT_THAT(result.errors, HasSubstr(part));
    EXPECT_FALSE(fs::exists(folder_ / "bad"));
  }
  const auto result = train("small.toml --set schedule.epoch=3 --data data --out bad");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(count(result.errors, "\n"), 1U) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("--set 'schedule.epoch=3':1: no recipe has a key 'epoch'"));
  EXPECT_FALSE(fs::exists(folder_ / "bad"));
}

TEST_F(Train, NamesWhatIsMissing) {
  const auto expect_error = [&](const std::string& arguments, const std::string& name) {
    const auto result = train(arguments + " --out out");
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_THAT(result.errors, HasSubstr(name));
    EXPECT_FALSE(fs::exists(folder_ / "out/checkpoint.safetensors"));
  };
  expect_error("none.toml --data data", "none.toml");
  expect_error("small.toml --data none", "none: No such file");
  expect_error("small.toml --data data --val none", "none: No such file");
  expect_error("small.toml --data data --init none.safetensors", "none.safetensors");
  expect_error("small.toml --data data --teacher none.safetensors", "none.safetensors");
  fs::remove_all(folder_ / "data/images");
  expect_error("small.toml --data data", "data/images");
}

TEST_F(Train, ReadsTheChosenCategory) {
  write("data/heads.json", R"({
      "images": [{"id": 1, "file_name": "0.png"}],
      "categories": [{"id": 1, "name": "hand"}, {"id": 2, "name": "head"}],
      "annotations": [{"image_id": 1, "category_id": 2, "bbox": [20, 20, 40, 40]}]})");
  const std::string common = "small.toml --data data --data data/heads.json --out run --steps 1";
  const auto guess = train(common);
  EXPECT_EQ(guess.exit_code, 1);
  EXPECT_THAT(guess.errors, AllOf(HasSubstr("data/heads.json"), HasSubstr("--category")));
  const auto chosen = train(common + " --val data/heads.json --category head");
  EXPECT_EQ(chosen.exit_code, 0) << chosen.errors;
}

/// The first weights of a detector are a classifier's: from torch.save's file to the detector's.
TEST_F(Train, StartsFromAnImportedBackbone) {
  graph::Weights classifier;
  for (const auto& [name, tensor] :
       graph::random_weights(models::find_model("mnet025").network.build(), 9).tensors) {
    if (!name.starts_with(models::kBackbonePrefix)) continue;
    classifier.tensors.emplace(name.substr(models::kBackbonePrefix.size()), tensor.clone());
  }
  classifier.tensors.emplace("fc.weight", graph::Tensor::of_shape({1000, 256}));
  classifier.tensors.emplace("fc.bias", graph::Tensor::of_shape({1000}));
  write("imagenet.tar", testing::torch_file(classifier, "module.").legacy());
  const auto imported = testing::run("cd '" + folder_.path().string() +
                                     "' && '" RETINAFACE_PROGRAM
                                     "' import imagenet.tar --part backbone --model mnet025 "
                                     "-o backbone.safetensors");
  ASSERT_EQ(imported.exit_code, 0) << imported.errors;
  write("still.toml", R"(
[input]
side_px = 64
batch = 4
[optimizer]
frozen_statistics = true
[schedule]
learning_rate = 0
)");
  const auto result =
      train("still.toml --data data --out run --steps 1 --init backbone.safetensors");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const graph::Weights last = graph::read_safetensors(folder_ / "run/last.safetensors");
  std::size_t compared = 0;
  for (const auto& [name, tensor] : last.tensors) {
    if (!name.starts_with(models::kBackbonePrefix)) continue;
    const graph::Tensor& from = classifier.at(name.substr(models::kBackbonePrefix.size()));
    EXPECT_TRUE(std::ranges::equal(tensor.values(), from.values())) << name;
    ++compared;
  }
  EXPECT_EQ(compared + 2, classifier.tensors.size());
}

TEST_F(Train, LearnsFromATeacher) {
  const auto taught = train("small.toml --data data --out run --steps 3 --teacher mnet025");
  ASSERT_EQ(taught.exit_code, 0) << taught.errors;
  EXPECT_THAT(taught.errors, HasSubstr("teacher "));
  std::istringstream lines(testing::content_of(folder_ / "run/metrics.jsonl"));
  int steps = 0;
  for (std::string line; std::getline(lines, line); ++steps) {
    const json entry = json::parse(line);
    EXPECT_GT(entry.at("loss_teacher"), 0);
    EXPECT_GT(entry.at("loss"), entry.at("loss_teacher"));
  }
  EXPECT_EQ(steps, 3);
  const auto alone = train("small.toml --data data --out run --resume");
  EXPECT_EQ(alone.exit_code, 1);
  EXPECT_THAT(alone.errors, HasSubstr("found '# teacher mnet025 "));
  const auto unknown = train("small.toml --data data --out other --teacher nobody");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("nobody"));
}

TEST_F(Train, TrainsTheMeshBranchWithTheNetworkAndGoesOn) {
  const std::string how =
      "small.toml --data data --init mnet025 --set branch.weight=0.1 --set branch.min_face_px=12 "
      "--set optimizer.frozen_statistics=true ";
  const auto straight = train(how + "--out straight --steps 4");
  ASSERT_EQ(straight.exit_code, 0) << straight.errors;
  EXPECT_THAT(straight.errors, HasSubstr("mesh "));
  EXPECT_THAT(testing::content_of(folder_ / "straight/metrics.jsonl"),
              HasSubstr("\"loss_mesh\": "));
  ASSERT_EQ(train(how + "--out cut --steps 2").exit_code, 0);
  ASSERT_EQ(train(how + "--out cut --steps 4 --resume").exit_code, 0);
  EXPECT_EQ(testing::content_of(folder_ / "cut/last.safetensors"),
            testing::content_of(folder_ / "straight/last.safetensors"));
  const auto detected = testing::run("'" RETINAFACE_PROGRAM "' detect --mesh --model '" +
                                     (folder_ / "cut/last.safetensors").string() + "' '" +
                                     (testing::sample_folder() / "portrait.jpg").string() + "'");
  EXPECT_EQ(detected.exit_code, 0) << detected.errors;
  EXPECT_THAT(detected.output, HasSubstr("vertices"));
  // One to start from is needed.
  const auto none = train("small.toml --data data --set branch.weight=0.1 --out none --steps 1");
  EXPECT_EQ(none.exit_code, 2) << none.errors;
  EXPECT_THAT(none.errors, HasSubstr("--init: expected a model with a mesh branch"));
}

TEST_F(Train, AMeshRecipeTakesNoOptionsOfDetectors) {
  for (const char* const option :
       {"--val data", "--teacher mnet025", "--steps 3", "--device cuda"}) {
    const auto refused =
        train(std::string("mesh --data l.txt --decoder mnet025 --out run ") + option);
    EXPECT_EQ(refused.exit_code, 2) << option;
    EXPECT_THAT(refused.errors, HasSubstr("does not go with a recipe for the mesh branch"))
        << option;
  }
}

TEST_F(Train, ByEitherBackendLearnsTheSame) {
  ASSERT_EQ(train("small.toml --data data --out fused --steps 3").exit_code, 0);
  const auto other = train("small.toml --data data --out run --steps 2 --backend autograd");
  ASSERT_EQ(other.exit_code, 0) << other.errors;
  ASSERT_EQ(train("small.toml --data data --out run --steps 3 --resume").exit_code, 0);
  const auto losses = [&](const char* file) {
    std::vector<double> values;
    std::istringstream lines(testing::content_of(folder_ / file));
    for (std::string line; std::getline(lines, line);) {
      values.push_back(json::parse(line).at("loss"));
    }
    return values;
  };
  const std::vector<double> want = losses("fused/metrics.jsonl");
  const std::vector<double> got = losses("run/metrics.jsonl");
  ASSERT_EQ(want.size(), 3U);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_NEAR(got[0], want[0], 1e-5 * want[0]);
  for (std::size_t i = 1; i < 3; ++i) EXPECT_NEAR(got[i], want[i], 0.02 * want[i]) << i;
  EXPECT_GT(std::abs(want[0] - want[2]), 0.03 * want[0]);  // or any would be near

  const auto unknown = train("small.toml --data data --out new --backend abacus");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("(fused, autograd), found 'abacus'"));
  const auto elsewhere = train("small.toml --data data --out new --device moon");
  EXPECT_EQ(elsewhere.exit_code, 1);
  EXPECT_THAT(elsewhere.errors, AllOf(HasSubstr("'fused'"), HasSubstr("(cpu), found 'moon'")));
  const auto recomputing =
      train("small.toml --data data --out new --backend autograd --set compute.recompute=true");
  EXPECT_EQ(recomputing.exit_code, 1);
  EXPECT_THAT(recomputing.errors, HasSubstr("compute.recompute = false"));
}

TEST_F(Train, GoesOnWithoutAnImageThatCannotBeRead) {
  const auto images = folder_ / "data" / "images";
  const fs::path damaged = fs::directory_iterator(images)->path();
  fs::resize_file(damaged, 20);
  const auto result = train("small.toml --data data --out out --val data --steps 2");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(count(result.errors, "another image takes its place"), 1U) << result.errors;
  EXPECT_EQ(count(result.errors, "left out of the validation"), 1U) << result.errors;
  EXPECT_EQ(count(result.errors, damaged.filename().string()), 2U) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("the last weights:  ap "));
}

TEST_F(Train, SaysWhatItCannotLearn) {
  write("data/label.txt", "# a.png\n5 5 0 10\n# b.png\n");
  const auto none = train("small.toml --data data --out out");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.errors, HasSubstr("no face to learn among 2 images (0 ignored, 1 of boxes"));
  EXPECT_THAT(none.errors, HasSubstr("--data: expected annotated faces to learn, found none"));
  write("data/label.txt", "# a.png\n500 5 10 10\n");
  fs::copy_file(fs::directory_iterator(folder_ / "data/images")->path(),
                folder_ / "data/images/a.png");
  const auto outside = train("small.toml --data data --out out");
  EXPECT_EQ(outside.exit_code, 1);
  EXPECT_THAT(outside.errors, HasSubstr("no face to learn among 1 image: the boxes of 1 face lie"));
  EXPECT_THAT(outside.errors, HasSubstr("--data: expected annotated faces to learn, found none"));
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(Train, RefusesToValidateWithoutFaces) {
  write("none.txt", "# a.png\n");
  const auto result = train("small.toml --data data --out out --val none.txt");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("none.txt: expected annotated faces to judge by"));
  EXPECT_FALSE(fs::exists(folder_ / "out/last.safetensors"));
}

TEST_F(Train, CountsFacesOutsideTheirImages) {
  std::ofstream(folder_ / "data/label.txt", std::ios::app) << "900 5 10 10\n5 900 10 10\n";
  const auto result = train("small.toml --data data --out out --steps 4");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(count(result.errors, "2 faces with a box outside the image, such as in "), 1U)
      << result.errors;
}

TEST_F(Train, AYoloSetWithADamagedImageIsLearnt) {
  const std::string convert = "cd '" + folder_.path().string() +
                              "' && '" RETINAFACE_PROGRAM
                              "' dataset convert data --to yolo -o data";
  ASSERT_EQ(testing::run(convert).exit_code, 0);
  fs::remove(folder_ / "data/label.txt");
  fs::resize_file(fs::directory_iterator(folder_ / "data/images")->path(), 10);
  const auto result = train("small.toml --data data --out out --val data --steps 1");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(count(result.errors, "data: 1 image left out, such as this: "), 1U) << result.errors;
  EXPECT_EQ(count(result.errors, "left out of the validation"), 1U) << result.errors;
}

TEST_F(Train, ALossThatExplodesEndsTheRunWithTheRemedy) {
  const auto result = train(
      "small.toml --data data --out out --checkpoint-every 1 --set schedule.learning_rate=100 "
      "--set schedule.warmup_factor=1e-5 --set optimizer.max_gradient=1e6");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("lower the learning rate, --set schedule.learning_rate="));
  EXPECT_THAT(result.errors, HasSubstr("--init out/last.safetensors"));
  EXPECT_THAT(result.errors, Not(HasSubstr("done")));
}

TEST_F(Train, WeightsOfALossThatExplodesAreNeverWritten) {
  // The first step's own loss is still good, and so is its validation's figure better than none.
  for (const char* const validation : {"", "--val data "}) {
    for (const char* const steps : {"--steps 1", "--steps 3"}) {
      fs::remove_all(folder_ / "out");
      const auto result =
          train(std::string("small.toml --data data --out out --checkpoint-every 1 ") + validation +
                "--set schedule.learning_rate=100 --set schedule.warmup_epochs=0 "
                "--set optimizer.max_gradient=1e6 " +
                steps);
      EXPECT_EQ(result.exit_code, 1) << result.errors;
      EXPECT_THAT(result.errors, HasSubstr("lower the learning rate"));
      for (const char* const file :
           {"last.safetensors", "best.safetensors", "checkpoint.safetensors"}) {
        EXPECT_FALSE(fs::exists(folder_ / "out" / file)) << file << " " << steps;
      }
    }
  }
}

TEST_F(Train, FindsTheRecipesThatComeWithIt) {
  const std::string small =
      " --data data --out out --steps 1 --set input.side_px=64 "
      "--set input.batch=2";
  EXPECT_EQ(train("recipes/mnet025-fast.toml" + small).exit_code, 0);
  fs::remove_all(folder_ / "out");
  EXPECT_EQ(train("mnet025-fast" + small).exit_code, 0);
  const auto unknown = train("mnet-fast" + small);
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.errors,
              HasSubstr("mnet-fast: expected a recipe: a file, or one of fine-tune, mesh, "
                        "mesh-decoder, mesh-five, mesh-vertices, mnet025"));
}

TEST_F(Train, RefusesWeightsOfAnotherModel) {
  graph::Weights weights;
  weights.tensors.emplace("body.surplus", graph::Tensor::of_shape({0}));
  graph::write_safetensors(folder_ / "odd.safetensors", weights);
  const auto result = train("small.toml --data data --out out --init odd.safetensors");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("odd.safetensors"), HasSubstr("body.surplus")));
}

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
