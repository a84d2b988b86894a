#include "training/run_log.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface::training {
namespace {

TEST(RunLog, DropsWhatWillBeDoneAgain) {
  const testing::TemporaryFolder folder;
  TrainingProgress progress;
  progress.step = 1;
  progress.epoch = 1;
  progress.loss = {.total = 4, .terms = {{"cls", 1}, {"box", 2}, {"landmarks", 3}}};
  RunLog::Lengths kept;
  {
    RunLog log(folder.path(), {});
    log.add_step(progress);
    log.add_validation(1, {{"ap", 50.5}, {"easy", 60}});
    kept = log.lengths();
    progress.step = 2;
    log.add_step(progress);
  }
  const std::string events = testing::content_of(folder / kEventsFile);
  RunLog log(folder.path(), kept);
  EXPECT_EQ(testing::content_of(folder / kEventsFile), events.substr(0, kept.events));
  progress.step = 3;
  log.add_step(progress);
  EXPECT_EQ(testing::content_of(folder / kEventsFile).size(), log.lengths().events);

  std::ifstream lines(folder / kMetricsFile);
  std::vector<nlohmann::json> entries;
  for (std::string line; std::getline(lines, line);) {
    entries.push_back(nlohmann::json::parse(line));
  }
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].at("step"), 1);
  EXPECT_EQ(entries[0].at("loss"), 4);
  EXPECT_EQ(entries[0].at("loss_cls"), 1);
  EXPECT_EQ(entries[0].at("loss_box"), 2);
  EXPECT_EQ(entries[0].at("loss_landmarks"), 3);
  EXPECT_FALSE(entries[1].contains("step"));
  EXPECT_EQ(entries[1].at("validated_step"), 1);
  EXPECT_EQ(entries[1].at("ap"), 50.5);
  EXPECT_EQ(entries[2].at("step"), 3);
}

TEST(RunLog, NamesTheFileThatCannotBeWritten) {
  const testing::TemporaryFolder folder;
  const Error error = testing::error_of([&] { RunLog(folder / "none", {}); });
  EXPECT_NE(std::string(error.what()).find("none/metrics.jsonl"), std::string::npos);
}

}  // namespace
}  // namespace retinaface::training
