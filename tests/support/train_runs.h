#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/content_of.h"
#include "support/free_port.h"
#include "support/testing.h"
#include "support/training_set.h"

namespace retinaface::testing {

inline constexpr const char* kSmallRecipe = R"(
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
inline std::vector<std::string> losses_of(const std::filesystem::path& metrics) {
  std::vector<std::string> losses;
  std::istringstream lines(content_of(metrics));
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
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

/// How often the part is in the text.
inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

/// A small set to train on, small.toml, and the program that learns from it, in a folder of its own
/// for each test. For tests of retinaface_program_test (tests/CMakeLists.txt).
class Train : public ::testing::Test {
 protected:
  void SetUp() override {
    write_training_set(folder_ / "data", 8, 96, 6);
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
    const std::string port = std::to_string(free_port());
    std::vector<pid_t> processes;
    for (const char* rank : {"0", "1"}) {
      processes.push_back(start(words, {{"RANK", rank}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", port}},
                                std::string("process_") + rank + ".txt"));
    }
    return processes;
  }

  const TemporaryFolder folder_;
};

/// Waits for a process; its exit code, or -signal if one ended it.
inline int exit_code_of(pid_t process) {
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace retinaface::testing
