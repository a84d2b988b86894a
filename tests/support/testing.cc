#include "support/testing.h"

#include <cstdlib>
#include <sstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "support/content_of.h"

namespace retinaface::testing {

std::filesystem::path data_folder() {
  if (const char* folder = std::getenv("RETINAFACE_DATA")) return folder;
  return std::filesystem::path(RETINAFACE_SOURCE_DIR).parent_path() / "shared" / "data";
}

std::filesystem::path fixture_folder() {
  return std::filesystem::path(RETINAFACE_SOURCE_DIR) / "tests" / "data";
}

std::filesystem::path sample_folder() {
  return std::filesystem::path(RETINAFACE_SOURCE_DIR) / "samples";
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "retinaface_test_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed for " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an Error, nothing was thrown";
  return {ErrorCode::kInvalidArgument, ""};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

CommandResult run(const std::string& command) {
  const TemporaryFolder folder;
  const auto quoted = [](const std::filesystem::path& path) { return "'" + path.string() + "'"; };
  const std::string line = "{ " + command + "\n} >" + quoted(folder / "out") + " 2>" +
                           quoted(folder / "err") + " </dev/null";
  const int status = std::system(line.c_str());  // NOLINT(cert-env33-c): as a user's shell does
  CommandResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = content_of(folder / "out");
  result.errors = content_of(folder / "err");
  return result;
}

}  // namespace retinaface::testing
