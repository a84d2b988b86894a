#include "training/process_group.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/free_port.h"
#include "support/testing.h"

#ifdef RETINAFACE_WITH_GLOO
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

namespace retinaface::training {
namespace {

using retinaface::testing::error_of;
using ::testing::HasSubstr;

Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

TEST(ProcessPlace, IsWhatTheLauncherSays) {
  EXPECT_EQ(place_from_environment(environment({})).processes, 1);
  for (const auto& [rank, processes] : {std::pair{"RANK", "WORLD_SIZE"},
                                        {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                        {"PMI_RANK", "PMI_SIZE"},
                                        {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}}) {
    const ProcessPlace place = place_from_environment(environment(
        {{rank, "2"}, {processes, "5"}, {"MASTER_ADDR", "node7"}, {"MASTER_PORT", "1234"}}));
    EXPECT_EQ(place.rank, 2);
    EXPECT_EQ(place.processes, 5);
    EXPECT_EQ(place.host, "node7");
    EXPECT_EQ(place.port, 1234);
    EXPECT_FALSE(place.launcher_listens);
  }
  const ProcessPlace place =
      place_from_environment(environment({{"RANK", "0"},
                                          {"WORLD_SIZE", "2"},
                                          {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                          {"TORCHELASTIC_RESTART_COUNT", "3"}}));
  EXPECT_TRUE(place.launcher_listens);
  EXPECT_EQ(place.attempt, 3);
  // A batch script of Slurm's is one process, however many tasks it will start.
  EXPECT_EQ(
      place_from_environment(environment({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}})).processes,
      1);
}

TEST(ProcessPlace, RefusesWhatIsNoPlace) {
  for (const auto& [rank, processes] :
       {std::pair{"x", "2"}, {"-1", "2"}, {"2", "2"}, {"0", "0"}, {"0", "2 "}}) {
    const Error error = error_of([&, r = rank, p = processes] {
      place_from_environment(environment({{"RANK", r}, {"WORLD_SIZE", p}}));
    });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), ::testing::AnyOf(HasSubstr("RANK"), HasSubstr("WORLD_SIZE")));
  }
}

TEST(ProcessGroup, OfOneSumsNothing) {
  ProcessGroup group({});
  std::vector<double> values = {1, 2};
  group.sum(std::span(values));
  EXPECT_THAT(values, ::testing::ElementsAre(1, 2));
}

TEST(ProcessGroup, OfOneWorks) {
  ProcessGroup group({});
  bool worked = false;
  group.while_first_works([&] { worked = true; });
  EXPECT_TRUE(worked);
}

#ifdef RETINAFACE_WITH_GLOO

using namespace std::chrono_literals;

/// For what is no test of a time-out: longer than a busy machine lets a thread wait.
constexpr std::chrono::seconds kPatience = 60s;

/// Does `attempt` with a short time-out and, where it throws Error, with longer ones: a busy
/// machine may let a thread wait for longer than the first. A fault stays one with all of them.
void with_some_timeout(const std::function<void(std::chrono::seconds)>& attempt) {
  std::string fault;
  for (const std::chrono::seconds timeout : {1s, 5s, 25s}) {
    try {
      return attempt(timeout);
    } catch (const Error& error) {
      fault = error.what();
    }
  }
  ADD_FAILURE() << fault;
}

/// Rank 0 does the one and rank 1, which may come late, the other, in two threads of this process.
/// Each of them stays until both are done. Throws what either of them throws.
template <typename First, typename Second>
void run_two(std::chrono::seconds timeout, const First& first, const Second& second,
             ProcessPlace place = {}, std::chrono::seconds late = 0s) {
  place.processes = 2;
  if (!place.launcher_listens) place.port = retinaface::testing::free_port();
  ProcessPlace other_place = place;
  other_place.rank = 1;
  std::promise<void> promise;
  const std::future<void> first_is_done = promise.get_future();
  auto other = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(late);
    ProcessGroup group(other_place, timeout);
    second(group);
    first_is_done.wait();
  });
  // If the first throws, this goes before the wait for the other, and ends it.
  std::promise<void> done = std::move(promise);
  ProcessGroup group(place, timeout);
  first(group);
  done.set_value();
  other.get();
}

void expect_sums(ProcessGroup& group) {
  float values[] = {1, 2};
  group.sum(std::span<float>(values));
  EXPECT_THAT(values, ::testing::ElementsAre(2, 4));
}

// torchrun's own process listens on the port before it starts the others, and again on the same one
// after some of them have failed.
TEST(ProcessGroup, MeetsWhereTheLauncherListens) {
  with_some_timeout([](std::chrono::seconds timeout) {
    c10d::TCPStoreOptions options;
    options.port = 0;  // any that is free
    options.isServer = true;
    options.waitWorkers = false;
    const c10d::TCPStore launcher("127.0.0.1", options);
    ProcessPlace place;
    place.port = launcher.getPort();
    place.launcher_listens = true;
    for (place.attempt = 0; place.attempt < 2; ++place.attempt) {
      // The second comes after the time-out, which is for silence, not for coming late.
      run_two(timeout, expect_sums, expect_sums, place, place.attempt == 0 ? 0s : timeout + 1s);
    }
  });
}

TEST(ProcessGroup, WaitsForTheFirstLongerThanTheTimeout) {
  with_some_timeout([](std::chrono::seconds timeout) {
    std::atomic<bool> ended = false;
    const auto check = [&](ProcessGroup& group) {
      group.while_first_works([&] {
        std::this_thread::sleep_for(timeout * 5 / 2.0);
        ended = true;
      });
      EXPECT_TRUE(ended);
      expect_sums(group);
    };
    run_two(timeout, check, check);
  });
}

TEST(ProcessGroup, EndsWhenTheOtherIsSilent) {
  with_some_timeout([](std::chrono::seconds timeout) {
    run_two(
        timeout,
        [&](ProcessGroup& group) {
          double values[] = {1};
          const Error error = error_of([&] { group.sum(std::span<double>(values)); });
          EXPECT_EQ(error.code(), ErrorCode::kUnreadable);
          EXPECT_THAT(error.what(),
                      ::testing::AllOf(HasSubstr("process 0 of 2"),
                                       HasSubstr(fmt::format("for {} s;", timeout.count())),
                                       HasSubstr("--resume")));
        },
        [](ProcessGroup&) {});
  });
}

// Gloo writes to its connections by writev, which ends a process (SIGPIPE) when the other end is
// closed.
TEST(ProcessGroup, AClosedConnectionIsAnErrorNotTheEnd) {
  const auto check = [](ProcessGroup&) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::close(ends[0]);
    EXPECT_EQ(::write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    ::close(ends[1]);
  };
  run_two(kPatience, check, check);
}

TEST(ProcessGroup, EndsWhenTheFirstFails) {
  const auto fails = [](ProcessGroup& group) {
    EXPECT_ANY_THROW(group.while_first_works([] { throw std::runtime_error("no"); }));
  };
  with_some_timeout([&](std::chrono::seconds timeout) { run_two(timeout, fails, fails); });
}

#endif

}  // namespace
}  // namespace retinaface::training
