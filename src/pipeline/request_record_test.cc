#include "pipeline/request_record.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/result_file.h"
#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(RequestRecord, RefusesWhatDiffersAndNamesIt) {
  const testing::TemporaryFolder folder;
  const RequestRecord record(folder / "r.jsonl.request", "r.jsonl", {.prefix = "--"});
  EXPECT_FALSE(record.exists());
  record.write({{"model", "mnet025"}, {"min-score", "0.6"}, {"draw", ""}});
  EXPECT_TRUE(record.exists());
  EXPECT_NO_THROW(record.check({{"model", "mnet025"}, {"min-score", "0.6"}, {"draw", ""}}));
  const Error score = testing::error_of([&] { record.check({{"min-score", "0.3"}}); });
  EXPECT_EQ(score.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(score.what(), AllOf(HasSubstr("r.jsonl: "), HasSubstr("--min-score 0.6"),
                                  HasSubstr("--min-score 0.3"), HasSubstr("without --resume")));
  const Error draw = testing::error_of([&] { record.check({{"draw", "yes"}}); });
  EXPECT_THAT(draw.what(), AllOf(HasSubstr("begun without --draw"), HasSubstr("on with --draw;")));
}

TEST(RequestRecord, NamesOptionsAsTheFrontDoorDoes) {
  const testing::TemporaryFolder folder;
  const fs::path file = folder / "r.jsonl.request";
  RequestRecord(file, "r.jsonl", {.prefix = "--"}).write({{"min-score", "0.6"}, {"draw", ""}});
  const RequestRecord plain(file, "r.jsonl");
  EXPECT_EQ(
      std::string(testing::error_of([&] {
                    plain.check({{"min-score", "0.3"}});
                  }).what()),
      "r.jsonl: was begun with min-score 0.6, and resume cannot go on with min-score 0.3; ask "
      "for the same, or begin without resume");
  const RequestRecord query(file, "r.jsonl", {.before_value = "="});
  EXPECT_THAT(testing::error_of([&] {
                query.check({{"min-score", "0.3"}});
              }).what(),
              HasSubstr("with min-score=0.6"));
}

TEST(RequestRecord, RefusesResultsOfDifferentRequests) {
  const testing::TemporaryFolder folder;
  const RequestRecord record(folder / ".request.json", "w", {.prefix = "--"});
  const Request asked = {{"min-score", "0.6"}};
  EXPECT_FALSE(record.is_of(asked));
  record.write(asked);
  EXPECT_TRUE(record.is_of(asked));
  EXPECT_FALSE(record.is_of({{"min-score", "0.3"}}));
  record.write(asked, true);
  EXPECT_FALSE(record.is_of(asked));
  EXPECT_THAT(testing::error_of([&] { record.check(asked); }).what(),
              AllOf(HasSubstr("w: holds results of runs with different options"),
                    HasSubstr("without --resume")));
}

TEST(RequestRecord, RefusesAFileThatIsNone) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "record") << "{\"request\": 1}";
  EXPECT_EQ(
      testing::error_of([&] { RequestRecord(folder / "record", "r.jsonl").check({}); }).code(),
      ErrorCode::kBadData);
}

class ReplacedResults : public ::testing::Test {
 protected:
  const Request before_ = {{"min-score", "0.6"}};
  const Request now_ = {{"min-score", "0.3"}};
  const testing::TemporaryFolder folder_;
  const std::filesystem::path results_ = folder_ / "r.jsonl";
  const RequestRecord record_{folder_ / "r.jsonl.request", results_};

  bool may_go_on(const Request& asked) const {
    try {
      record_.check(asked);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return false;
    }
  }

  /// Replaces the results as a job does, and ends the process just before that or just after.
  void replace_and_die(bool before) const {
    EXPECT_EXIT(
        {
          const std::atomic<bool> never = false;
          ResultFile file(results_, false, never);
          file.when_begun(
              [&] {
                record_.write_ahead(now_);
                if (before) std::_Exit(0);
              },
              [] { std::_Exit(0); });
          file.put("new\n");
          std::_Exit(1);
        },
        ::testing::ExitedWithCode(0), "");
  }
};

TEST_F(ReplacedResults, HaveTheirRecordWhenTheRunIsKilledBefore) {
  std::ofstream(results_) << "earlier\n";
  record_.write(before_);
  for (int times = 0; times < 2; ++times) {
    replace_and_die(true);
    EXPECT_EQ(testing::content_of(results_), "earlier\n");
    EXPECT_TRUE(record_.exists());
    EXPECT_TRUE(may_go_on(before_));
    EXPECT_FALSE(may_go_on(now_));
  }
}

TEST_F(ReplacedResults, HaveTheirRecordWhenTheRunIsKilledBehind) {
  std::ofstream(results_) << "earlier\n";
  record_.write(before_);
  replace_and_die(false);
  EXPECT_EQ(testing::content_of(results_), "new\n");
  EXPECT_TRUE(may_go_on(now_));
  EXPECT_FALSE(may_go_on(before_));
}

TEST_F(ReplacedResults, StayUnknownWhereTheyWere) {
  std::ofstream(results_) << "earlier\n";
  replace_and_die(true);
  EXPECT_FALSE(record_.exists());
  replace_and_die(false);
  EXPECT_TRUE(may_go_on(now_));
}

TEST(RequestRecord, StandsBesideTheFileItself) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "deep");
  std::ofstream(folder / "deep/r.jsonl") << "";
  std::filesystem::create_symlink("deep/r.jsonl", folder / "link");
  EXPECT_EQ(record_beside(folder / "link"),
            std::filesystem::canonical(folder / "deep") / "r.jsonl.request");
  EXPECT_EQ(record_beside("/dev/null"), "");
}

}  // namespace
}  // namespace retinaface::pipeline
