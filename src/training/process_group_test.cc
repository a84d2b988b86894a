#include "training/process_group.h"

#include <cerrno>
#include <chrono>
#include <future>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

std::uint16_t a_port() {
  return static_cast<std::uint16_t>(10000 + ::getpid() % 10000);
}

/// Rank 0 does the one and rank 1 the other, in two threads of this process, with a time-out of a
/// second.
template <typename First, typename Second>
void run_two(const First& first, const Second& second, ProcessPlace place = {},
             std::chrono::seconds late = 0s) {
  place.processes = 2;
  place.port = a_port();
  ProcessPlace other_place = place;
  other_place.rank = 1;
  auto other = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(late);
    ProcessGroup group(other_place, 1s);
    second(group);
  });
  ProcessGroup group(place, 1s);
  first(group);
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
  c10d::TCPStoreOptions options;
  options.port = a_port();
  options.isServer = true;
  options.waitWorkers = false;
  const c10d::TCPStore launcher("127.0.0.1", options);
  for (int attempt = 0; attempt < 2; ++attempt) {
    // The second comes after the time-out, which is for silence, not for coming late.
    const auto late = attempt == 0 ? 0s : 2s;
    run_two(expect_sums, expect_sums, {.launcher_listens = true, .attempt = attempt}, late);
  }
}

TEST(ProcessGroup, WaitsForTheFirstLongerThanTheTimeout) {
  bool ended = false;
  const auto check = [&](ProcessGroup& group) {
    group.while_first_works([&] {
      std::this_thread::sleep_for(2500ms);
      ended = true;
    });
    EXPECT_TRUE(ended);
    expect_sums(group);
  };
  run_two(check, check);
}

TEST(ProcessGroup, EndsWhenTheOtherIsSilent) {
  std::promise<void> seen;
  run_two(
      [&](ProcessGroup& group) {
        double values[] = {1};
        const Error error = error_of([&] { group.sum(std::span<double>(values)); });
        EXPECT_EQ(error.code(), ErrorCode::kUnreadable);
        EXPECT_THAT(error.what(), ::testing::AllOf(HasSubstr("process 0 of 2"), HasSubstr("1 s"),
                                                   HasSubstr("--resume")));
        seen.set_value();
      },
      [&](ProcessGroup&) { seen.get_future().wait(); });
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
  run_two(check, check);
}

TEST(ProcessGroup, EndsWhenTheFirstFails) {
  const auto fails = [](ProcessGroup& group) {
    EXPECT_ANY_THROW(group.while_first_works([] { throw std::runtime_error("no"); }));
  };
  run_two(fails, fails);
}

#endif

}  // namespace
}  // namespace retinaface::training
