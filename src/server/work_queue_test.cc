#include "server/work_queue.h"

#include <atomic>
#include <latch>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace retinaface::server {
namespace {

TEST(WorkQueueThreads, TakesWhatItHasRoomForAndNoMore) {
  std::latch began(2);
  std::latch may_end(1);
  std::atomic<int> done = 0;
  {
    WorkQueue queue(2, 3);
    const auto work = [&] {
      began.count_down();
      may_end.wait();
      ++done;
    };
    ASSERT_TRUE(queue.try_push(work));
    ASSERT_TRUE(queue.try_push(work));
    began.wait();
    EXPECT_EQ(queue.working(), 2U);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.try_push([&] { ++done; }));
    EXPECT_TRUE(queue.is_full());
    EXPECT_EQ(queue.waiting(), 3U);
    EXPECT_FALSE(queue.try_push([&] { ++done; }));
    may_end.count_down();
  }
  EXPECT_EQ(done, 5);  // what waits is done before the end
}

TEST(WorkQueueThreads, WithoutRoomToWaitAnIdleThreadStillTakesATask) {
  WorkQueue queue(1, 0);
  std::atomic<int> done = 0;
  for (int i = 0; i < 100; ++i) {
    while (!queue.try_push([&] { ++done; })) std::this_thread::yield();
  }
  while (done < 100) std::this_thread::yield();  // the test's time limit ends it else
  EXPECT_EQ(done, 100);
}

TEST(WorkQueueThreads, WhatATaskHoldsIsGoneWhenItIsDone) {
  const auto held = std::make_shared<int>(1);
  WorkQueue queue(1, 4);
  std::latch done(1);
  queue.try_push([held] {});
  queue.try_push([&] { done.count_down(); });
  done.wait();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace retinaface::server
