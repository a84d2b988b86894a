// The service's page in a browser (page/page_test.mjs). Needs Node.js, Debian's chromium and
// $RETINAFACE_PLAYWRIGHT, or the folder that `make test` puts playwright-core in.

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;

TEST(Page, DoesWhatAPersonAsksOfIt) {
  const char* const given = std::getenv("RETINAFACE_PLAYWRIGHT");
  const fs::path playwright = given != nullptr ? given : RETINAFACE_PLAYWRIGHT_FOLDER;
  if (!fs::exists(playwright / "node_modules" / "playwright-core")) {
    GTEST_SKIP() << "needs playwright-core in " << playwright.string()
                 << " (cmake/prepare_browser.sh, or set RETINAFACE_PLAYWRIGHT)";
  }
  const char* const browser = std::getenv("RETINAFACE_CHROMIUM");
  if (browser == nullptr && !fs::exists("/usr/bin/chromium")) {
    GTEST_SKIP() << "needs Debian's chromium (cmake/install_packages.sh browser)";
  }
  if (testing::run("node --version").exit_code != 0) {
    GTEST_SKIP() << "needs Node.js (cmake/install_packages.sh browser)";
  }
  // Screenshots stay for people to look at.
  const fs::path out = fs::path(RETINAFACE_PAGE_OUT);
  fs::create_directories(out);
  const testing::CommandResult result =
      testing::run("RETINAFACE_PLAYWRIGHT='" + playwright.string() +
                   "' timeout -k 5 240 node '" RETINAFACE_PAGE_TEST "' '" RETINAFACE_PROGRAM "' '" +
                   testing::sample_folder().string() + "' '" + testing::fixture_folder().string() +
                   "' '" + out.string() + "'");
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_NE(result.output.find("all is well"), std::string::npos) << result.output;
}

}  // namespace
}  // namespace retinaface
