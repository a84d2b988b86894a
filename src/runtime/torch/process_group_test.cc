#include "runtime/torch/process_group.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::runtime {
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
  }
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

}  // namespace
}  // namespace retinaface::runtime
