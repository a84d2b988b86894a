#include "base/read_ahead.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

namespace retinaface {
namespace {

TEST(ReadAheadThreads, HandsOnAllInOrder) {
  ReadAhead<std::unique_ptr<int>> numbers(3, [i = 0]() mutable {
    return i < 500 ? std::optional(std::make_unique<int>(i++)) : std::nullopt;
  });
  for (int i = 0; i < 500; ++i) EXPECT_EQ(**numbers.next(), i);
  EXPECT_FALSE(numbers.next());
  EXPECT_FALSE(numbers.next());
}

TEST(ReadAheadThreads, IsOnlySoFarAhead) {
  std::atomic<int> made = 0;
  ReadAhead<int> numbers(4, [&]() -> std::optional<int> { return made++; });
  while (made < 4) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(made, 4);
  EXPECT_EQ(numbers.next(), 0);
  while (made < 5) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(made, 5);
}  // and ends although nobody takes the rest

TEST(ReadAheadThreads, PassesOnWhatIsThrownAfterTheItemsBeforeIt) {
  ReadAhead<int> numbers(8, [i = 0]() mutable -> std::optional<int> {
    if (i == 2) throw std::runtime_error("two");
    return i++;
  });
  EXPECT_EQ(numbers.next(), 0);
  EXPECT_EQ(numbers.next(), 1);
  EXPECT_THROW(numbers.next(), std::runtime_error);
  EXPECT_FALSE(numbers.next());
}

}  // namespace
}  // namespace retinaface
