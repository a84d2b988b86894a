#include "pipeline/problem.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::pipeline {
namespace {

using ::testing::HasSubstr;

TEST(Problem, IsWhatAnInputCannotHelp) {
  EXPECT_EQ(problem_of("a.jpg", [] {}), "");
  EXPECT_EQ(problem_of("a.jpg", [] { throw Error(ErrorCode::kBadData, "a.jpg: damaged"); }),
            "a.jpg: damaged");
  EXPECT_THAT(problem_of("a.jpg",
                         [] {
                           throw std::filesystem::filesystem_error(
                               "a.jpg", std::make_error_code(std::errc::io_error));
                         }),
              HasSubstr("a.jpg"));
  EXPECT_EQ(problem_of("a.jpg", [] { throw std::bad_alloc(); }),
            "a.jpg: not enough memory for this input");
}

TEST(Problem, OfTheProgramEndsTheRun) {
  EXPECT_THROW(problem_of("a.jpg", [] { throw std::logic_error("wrong"); }), std::logic_error);
}

}  // namespace
}  // namespace retinaface::pipeline
