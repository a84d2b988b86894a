#include "base/stream.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <span>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/text.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

TEST(Stream, IsReadToItsEndItsLimitOrTheSignal) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::atomic<bool> stop = false;
  std::thread writer([&] { std::ofstream(folder / "pipe") << std::string(200'000, 'x'); });
  EXPECT_EQ(text_of(read_stream(folder / "pipe", 1'000'000, stop)), std::string(200'000, 'x'));
  writer.join();
  EXPECT_EQ(error_of([&] { read_stream("/dev/zero", 1'000'000, stop); }).code(),
            ErrorCode::kTooLarge);
  const auto unwanted = [](std::span<const std::byte>) { return false; };
  EXPECT_LT(read_stream("/dev/zero", 1'000'000, stop, unwanted).size(), 100'000U);
  EXPECT_EQ(error_of([&] { read_stream(folder / "none", 10, stop); }).code(), ErrorCode::kNotFound);
  // Nobody ever writes.
  std::thread stopper([&] { stop = true; });
  EXPECT_EQ(error_of([&] { read_stream(folder / "pipe", 10, stop); }).code(),
            ErrorCode::kUnreadable);
  stopper.join();
}

TEST(Stream, IsNotWaitedForAfterASignalThatIsHandled) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  struct sigaction handled {};
  struct sigaction before {};
  handled.sa_handler = [](int) {};
  handled.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &handled, &before);
  std::atomic<bool> is_over = false;
  std::thread signaller([&, reader = ::pthread_self()] {
    while (!is_over) {
      ::pthread_kill(reader, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const std::atomic<bool> never = false;
  EXPECT_EQ(error_of([&] { read_stream(folder / "pipe", 10, never); }).code(),
            ErrorCode::kUnreadable);
  is_over = true;
  signaller.join();
  ::sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace retinaface
