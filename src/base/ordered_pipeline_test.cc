#include "base/ordered_pipeline.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

namespace retinaface {
namespace {

auto count_to(int end) {
  return [end, i = 0]() mutable { return i < end ? std::optional<int>(i++) : std::nullopt; };
}

TEST(OrderedPipelineThreads, KeepsTheOrderWhateverTheWorkTakes) {
  for (const int threads : {1, 2, 5}) {
    std::vector<int> results;
    run_in_order(
        threads, count_to(200),
        [](int i) {
          std::this_thread::sleep_for(std::chrono::microseconds(i % 7 * 100));
          return std::make_unique<int>(i);  // moves, does not copy
        },
        [&](std::unique_ptr<int> result) { results.push_back(*result); });
    ASSERT_EQ(results.size(), 200U);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
  }
}

TEST(OrderedPipelineThreads, HoldsFewItemsAtOnce) {
  std::atomic<int> alive = 0;
  std::atomic<int> maximum = 0;
  run_in_order(
      3, count_to(300),
      [&](int i) {
        int now = ++alive;
        for (int seen = maximum; now > seen && !maximum.compare_exchange_weak(seen, now);) {
        }
        // The first item is slow: the others must not run ahead without bound.
        if (i == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return i;
      },
      [&](int) { --alive; });
  EXPECT_LE(maximum, 12);
}

TEST(OrderedPipelineThreads, PassesOnWhatIsThrown) {
  for (const int threads : {1, 4}) {
    std::vector<int> results;
    const auto run = [&] {
      run_in_order(
          threads, count_to(1000),
          [](int i) {
            if (i == 50) throw std::runtime_error("fifty");
            return i;
          },
          [&](int result) { results.push_back(result); });
    };
    EXPECT_THROW(run(), std::runtime_error);
    EXPECT_LE(results.size(), 50U);
  }
}

/// As a camera whose next frame is long in coming: what is done must not wait for it.
TEST(OrderedPipelineThreads, HandsOnWhileTheNextItemIsWaitedFor) {
  std::promise<void> first_is_out;
  std::future<void> out = first_is_out.get_future();
  int number = 0;
  bool came = false;
  run_in_order(
      2,
      [&]() -> std::optional<int> {
        if (number == 0) return number++;
        came = out.wait_for(std::chrono::seconds(60)) == std::future_status::ready;
        return std::nullopt;
      },
      [](int i) { return i; }, [&](int) { first_is_out.set_value(); });
  EXPECT_TRUE(came);
}

}  // namespace
}  // namespace retinaface
