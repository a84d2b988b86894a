#include "cli/trainer.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/own_binary.h"

namespace retinaface::cli {
namespace {

constexpr const char* kProgram = "retinaface-train";

std::filesystem::path beside_this_program() {
  return own_binary().path.parent_path() / kProgram;
}

/// OpenMP's threads spin while they wait for each other, by default for long. Where anything else
/// runs on the machine (the threads that load images do), that takes the time from what is waited
/// for. Read when libgomp is loaded, so it has to be set before the other program starts; what the
/// user has set stays.
void wait_without_spinning() {
  constexpr int kKeep = 0;
  if (std::getenv("GOMP_SPINCOUNT") == nullptr) ::setenv("OMP_WAIT_POLICY", "passive", kKeep);
}

}  // namespace

bool has_trainer() {
  return path_exists(beside_this_program());
}

void become_trainer(const std::vector<std::string>& arguments) {
  const std::filesystem::path program = beside_this_program();
  if (!path_exists(program)) {
    fail(ErrorCode::kNotFound,
         "{}: not there; this build is without the trainer, which needs libtorch (make build)",
         printable(program));
  }
  std::vector<std::string> words = {kProgram};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  wait_without_spinning();
  ::execv(program.c_str(), argv.data());
  fail(ErrorCode::kUnreadable, "{}: {}", printable(program),
       std::generic_category().message(errno));
}

}  // namespace retinaface::cli
