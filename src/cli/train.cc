#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "base/check.h"
#include "cli/command.h"

namespace retinaface::cli {
namespace {

constexpr const char* kProgram = "retinaface-train";

/// The second program lies beside this one.
std::filesystem::path beside_this_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / kProgram;
}

int start(const std::vector<std::string>& arguments) {
  const std::filesystem::path program = beside_this_program();
  if (!std::filesystem::exists(program)) {
    fail(ErrorCode::kNotFound,
         "{}: not there; this build is without the trainer, which needs libtorch (make build)",
         program.string());
  }
  std::vector<std::string> words = {kProgram, "train"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  fail(ErrorCode::kUnreadable, "{}: {}", program.string(), std::generic_category().message(errno));
}

}  // namespace

Action declare_train(CLI::App& app) {
  // All options, --help too, are the other program's.
  app.set_help_flag();
  app.prefix_command();
  return [&app] { return start(app.remaining()); };
}

}  // namespace retinaface::cli
