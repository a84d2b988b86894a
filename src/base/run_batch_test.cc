#include "base/run_batch.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

using ::testing::ElementsAre;
using testing::error_of;

TEST(RunBatchThreads, GivesResultsInOrder) {
  for (const int threads : {0, 1, 3}) {
    EXPECT_THAT(run_batch("items", 4, threads, [](std::size_t i) { return std::to_string(i); }),
                ElementsAre("0", "1", "2", "3"))
        << threads;
  }
}

TEST(RunBatch, NamesTheItemThatFails) {
  const auto run = [](int threads) {
    return error_of([&] {
      run_batch("items", 3, threads, [](std::size_t i) {
        if (i == 2) fail(ErrorCode::kBadData, "no good");
        return i;
      });
    });
  };
  EXPECT_STREQ(run(1).what(), "items[2]: no good");
  EXPECT_EQ(run(1).code(), ErrorCode::kBadData);
  EXPECT_STREQ(run(-1).what(), "threads: expected 0 or more, found -1");
}

}  // namespace
}  // namespace retinaface
