#include "base/parallel.h"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace retinaface {
namespace {

TEST(ForEachItemThreads, EachItemIsWorkedOnOnceByAThreadOfItsOwnNumber) {
  for (const int threads : {1, 2, 5}) {
    for (const std::size_t count : {0U, 1U, 3U, 1000U}) {
      std::vector<std::atomic<int>> calls(count);
      std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads));
      for_each_item(threads, count, [&](std::size_t item, std::size_t thread) {
        ASSERT_LT(thread, busy.size());
        EXPECT_EQ(busy[thread]++, 0) << "two threads of one number";
        ++calls[item];
        --busy[thread];
      });
      for (const std::atomic<int>& value : calls) EXPECT_EQ(value, 1);
    }
  }
}

TEST(ForEachItemThreads, SeveralThreadsWorkAtOnce) {
  std::atomic<int> arrived = 0;
  for_each_item(2, 2, [&](std::size_t, std::size_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();  // each waits until the other has come
  });
  EXPECT_EQ(arrived, 2);
}

TEST(ForEachItemThreads, WhatACallThrowsComesOut) {
  for (const int threads : {1, 4}) {
    std::atomic<int> calls = 0;
    EXPECT_THROW(for_each_item(threads, 1'000'000,
                               [&](std::size_t item, std::size_t) {
                                 ++calls;
                                 if (item == 3) throw std::runtime_error("three");
                               }),
                 std::runtime_error);
    EXPECT_LT(calls, 1'000'000);
  }
}

}  // namespace
}  // namespace retinaface
