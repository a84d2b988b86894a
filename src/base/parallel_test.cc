#include "base/parallel.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/start_threads.h"

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

/// Whether the system holds a process to its limit of memory; qemu-user takes one and ignores it.
bool memory_can_be_limited() {
  rlimit before = {};
  const rlimit wide = {rlim_t{1} << 46, RLIM_INFINITY};
  if (::getrlimit(RLIMIT_AS, &before) != 0 || before.rlim_max != RLIM_INFINITY) return true;
  rlimit after = {};
  if (::setrlimit(RLIMIT_AS, &wide) != 0 || ::getrlimit(RLIMIT_AS, &after) != 0) return false;
  ::setrlimit(RLIMIT_AS, &before);
  return after.rlim_cur == wide.rlim_cur;
}

/// In a process that may hold little more than it does: a few threads' stacks.
void with_memory_for_few_threads(const std::function<void()>& work) {
  const std::size_t pages = [] {
    std::size_t size = 0;
    std::ifstream("/proc/self/statm") >> size;
    return size;
  }();
  const rlimit limit = {pages * static_cast<std::size_t>(::getpagesize()) + (std::size_t{40} << 20),
                        RLIM_INFINITY};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
  work();
}

TEST(ForEachItem, FewerThreadsThanAskedForDoTheWork) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's own memory is over any limit";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the sanitizer's own memory is over any limit";
#endif
#endif
  if (!memory_can_be_limited()) GTEST_SKIP() << "this system ignores a limit of memory";
  const auto count = [] {
    std::atomic<int> done = 0;
    for_each_item(200, 1000, [&](std::size_t, std::size_t) { ++done; });
    std::exit(done == 1000 && start_threads(200, 0, [](std::size_t) {}).size() < 200 ? 0 : 1);
  };
  EXPECT_EXIT(with_memory_for_few_threads(count), ::testing::ExitedWithCode(0), "");
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
