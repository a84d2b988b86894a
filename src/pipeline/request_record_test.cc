#include "pipeline/request_record.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(RequestRecord, RefusesWhatDiffersAndNamesIt) {
  const testing::TemporaryFolder folder;
  const RequestRecord record(folder / "r.jsonl.request");
  EXPECT_FALSE(record.exists());
  record.write({{"--model", "mnet025"}, {"--min-score", "0.6"}, {"--draw", ""}});
  EXPECT_TRUE(record.exists());
  EXPECT_NO_THROW(
      record.check({{"--model", "mnet025"}, {"--min-score", "0.6"}, {"--draw", ""}}, "r.jsonl"));
  const Error score = testing::error_of([&] { record.check({{"--min-score", "0.3"}}, "r.jsonl"); });
  EXPECT_EQ(score.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(score.what(), AllOf(HasSubstr("r.jsonl: "), HasSubstr("--min-score 0.6"),
                                  HasSubstr("--min-score 0.3"), HasSubstr("without --resume")));
  const Error draw = testing::error_of([&] { record.check({{"--draw", "yes"}}, "r.jsonl"); });
  EXPECT_THAT(draw.what(), AllOf(HasSubstr("begun without --draw"), HasSubstr("on with --draw;")));
}

TEST(RequestRecord, RefusesResultsOfDifferentRequests) {
  const testing::TemporaryFolder folder;
  const RequestRecord record(folder / ".request.json");
  const Request asked = {{"--min-score", "0.6"}};
  EXPECT_FALSE(record.is_of(asked));
  record.write(asked);
  EXPECT_TRUE(record.is_of(asked));
  EXPECT_FALSE(record.is_of({{"--min-score", "0.3"}}));
  record.write(asked, true);
  EXPECT_FALSE(record.is_of(asked));
  EXPECT_THAT(testing::error_of([&] { record.check(asked, "w"); }).what(),
              AllOf(HasSubstr("w: holds results of runs with different options"),
                    HasSubstr("without --resume")));
}

TEST(RequestRecord, RefusesAFileThatIsNone) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "record") << "{\"request\": 1}";
  EXPECT_EQ(
      testing::error_of([&] { RequestRecord(folder / "record").check({}, "r.jsonl"); }).code(),
      ErrorCode::kBadData);
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
