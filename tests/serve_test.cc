// `retinaface serve` as a user meets it; src/server/ has the tests of what it answers.

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/content_of.h"
#include "support/http_client.h"
#include "support/serving.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using nlohmann::json;
using testing::CommandResult;
using ::testing::HasSubstr;
using testing::http_ask;
using testing::http_request;
using testing::HttpAnswer;
using testing::HttpConnection;
using testing::Serving;
using ::testing::StartsWith;
using testing::TemporaryFolder;

std::string sample(const std::string& name) {
  return testing::content_of(testing::sample_folder() / name);
}

CommandResult program(const std::string& arguments) {
  return testing::run("'" RETINAFACE_PROGRAM "' " + arguments);
}

TEST(ServeCommand, FindsWhatDetectFinds) {
  const Serving serving(RETINAFACE_PROGRAM);
  EXPECT_THAT(serving.url(), StartsWith("http://127.0.0.1:"));
  for (const auto& [query, options] :
       {std::pair("", ""),
        {"?min-score=0.1&clip&max-faces=5", " --min-score 0.1 --clip --max-faces 5"},
        {"?scales=0.5,1&nms=0.3", " --scales 0.5,1 --nms 0.3"}}) {
    const std::string file = (testing::sample_folder() / "crowd.webp").string();
    const CommandResult command = program("detect '" + file + "'" + options);
    const HttpAnswer answer =
        http_ask(serving.port(),
                 http_request("POST", std::string("/v1/detect") + query, sample("crowd.webp")));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const json expected = json::parse(command.output);
    const json found = json::parse(answer.body);
    EXPECT_EQ(found["faces"], expected["faces"]) << query;
    EXPECT_EQ(found["width"], expected["width"]);
  }
}

TEST(ServeCommand, ASignalEndsItWhenWhatIsInHandIsAnswered) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Serving serving(RETINAFACE_PROGRAM, {"--threads", "1"});
    HttpConnection idle(serving.port());
    HttpConnection busy(serving.port());
    busy.send(http_request("POST", "/v1/detect?scales=1,2", sample("crowd.webp")));
    // It has arrived when it is counted among those that wait or are worked on.
    while (http_ask(serving.port(), http_request("GET", "/metrics"))
               .body.find("retinaface_requests_in_work 1") == std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    serving.signal(signal);
    EXPECT_TRUE(idle.is_closed_by_server());
    const HttpAnswer answer = busy.receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.at("connection"), "close");
    EXPECT_EQ(serving.wait(), 0);
  }
}

TEST(ServeCommand, KeysComeFromAFile) {
  const TemporaryFolder folder;
  std::ofstream(folder / "keys") << "one\n\ntwo\n";
  const Serving serving(RETINAFACE_PROGRAM, {"--api-key-file", (folder / "keys").string()});
  const auto status = [&](const std::string& headers) {
    return http_ask(serving.port(), http_request("GET", "/metrics", "", headers)).status;
  };
  EXPECT_EQ(status(""), 401);
  EXPECT_EQ(status("Authorization: Bearer two\r\n"), 200);
  EXPECT_EQ(status("X-API-Key: one\r\n"), 200);
}

TEST(ServeCommand, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  std::ofstream(folder / "empty") << "\n";
  std::ofstream(folder / "blank") << "a key\n";
  const auto expect = [&](const std::string& options, int code, const std::string& text) {
    const CommandResult result = program("serve " + options);
    EXPECT_EQ(result.exit_code, code) << options;
    EXPECT_EQ(result.output, "") << options;
    EXPECT_THAT(result.errors, HasSubstr(text)) << options;
  };
  expect("--port 65536", 2, "--port: expected a whole number from 0 to 65535, found '65536'");
  expect("--timeout 0", 2, "--timeout: expected a number from 0.1");
  expect("--queue -1", 2, "--queue: expected a whole number from 0");
  expect("--max-body 0", 2, "--max-body: expected");
  expect("photo.jpg", 2, "serve");
  expect("--bind localhost", 1, "expected an address as 127.0.0.1 or ::1, found 'localhost'");
  expect("--model nothing", 1, "nothing");
  expect("--api-key-file '" + (folder / "none").string() + "'", 1, "none");
  expect("--api-key-file '" + (folder / "empty").string() + "'", 1, "expected a key a line");
  expect("--api-key-file '" + (folder / "blank").string() + "'", 1, "without blanks");
  const Serving first(RETINAFACE_PROGRAM);
  expect("--port " + std::to_string(first.port()), 1, "cannot be listened on: Address already");
}

TEST(ServeCommand, AnOpenAddressWithoutKeysIsWarnedOf) {
  const TemporaryFolder folder;
  const std::string errors = (folder / "errors").string();
  const CommandResult result =
      testing::run("timeout -s TERM 2 '" RETINAFACE_PROGRAM "' serve --port 0 --bind 0.0.0.0 2> '" +
                   errors + "'");
  EXPECT_THAT(result.output, StartsWith("http://0.0.0.0:"));
  EXPECT_THAT(testing::content_of(errors), HasSubstr("--api-key-file"));
}

/// The unit that the Debian package has: hardened by systemd's own measure, and with options that
/// the program takes.
TEST(ServeUnit, IsHardenedAndStartsTheService) {
  const auto unit =
      testing::sample_folder().parent_path() / "cmake" / "systemd" / "retinaface.service";
  const std::string text = testing::content_of(unit);
  EXPECT_THAT(text, HasSubstr("\nExecStart=/usr/bin/retinaface serve $RETINAFACE_OPTIONS\n"));
  EXPECT_THAT(text, HasSubstr("\nDynamicUser=yes\n"));
  const std::string name = "\"RETINAFACE_OPTIONS=";
  const std::size_t start = text.find(name) + name.size();
  const std::string options = text.substr(start, text.find('"', start) - start);
  EXPECT_EQ(program("serve " + options + " --help").exit_code, 0) << options;
  if (testing::run("systemd-analyze --version").exit_code != 0) {
    GTEST_SKIP() << "needs systemd-analyze for the rest";
  }
  // From 0 to 100, where 100 is a unit without any protection.
  const CommandResult judged = testing::run(
      "systemd-analyze security --offline=true --threshold=20 '" + unit.string() + "'");
  EXPECT_EQ(judged.exit_code, 0) << judged.output << judged.errors;
}

}  // namespace
}  // namespace retinaface
