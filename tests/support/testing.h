#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/error.h"

namespace retinaface::testing {

/// Images, labels and checkpoints of other people, which the repository does not contain:
/// $RETINAFACE_DATA, or else ../shared/data beside the checkout. May not exist.
std::filesystem::path data_folder();

/// tests/data: small files of the project's own, which are part of the repository.
std::filesystem::path fixture_folder();

/// samples/: the images that are part of the repository.
std::filesystem::path sample_folder();

/// A folder that is removed with everything in it at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The Error that `action` throws; fails the test when it throws none or another kind.
Error error_of(const std::function<void()>& action);

struct CommandResult {
  int exit_code = -1;
  std::string output;
  std::string errors;
};

/// The lines of a text, without their breaks.
std::vector<std::string> lines_of(const std::string& text);

/// Runs a command line in a shell and waits for it.
CommandResult run(const std::string& command);

}  // namespace retinaface::testing

/// Skips the test, saying why, when the foreign data folder lacks `relative`.
#define RF_NEED_DATA(relative)                                                             \
  if (!std::filesystem::exists(::retinaface::testing::data_folder() / (relative)))         \
  GTEST_SKIP() << "needs " << (::retinaface::testing::data_folder() / (relative)).string() \
               << " (set RETINAFACE_DATA)"

/// Skips a test of memory where a sanitizer keeps what was freed.
#if defined(__has_feature)  // clang's way to say it
#define RF_HAS_FEATURE(feature) __has_feature(feature)
#else
#define RF_HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    RF_HAS_FEATURE(address_sanitizer) || RF_HAS_FEATURE(thread_sanitizer)
#define RF_NEED_PLAIN_MEMORY() GTEST_SKIP() << "a sanitizer keeps freed memory"
#else
#define RF_NEED_PLAIN_MEMORY() static_cast<void>(0)
#endif
