#include "pipeline/npy.h"

#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::pipeline {
namespace {

TEST(Npy, IsWhatNumPyWrites) {
  const std::vector<float> values = {1, 2, 3, 4, 5, -6};
  const std::string content = npy_matrix(values, 3);
  // numpy.save of the same matrix, version 1.0: 128 bytes before the data.
  EXPECT_EQ(content.substr(0, 6), "\x93NUMPY");
  EXPECT_EQ(content[6], 1);
  EXPECT_EQ(content.size(), 128 + 24U);
  EXPECT_EQ(static_cast<unsigned char>(content[8]), 118);
  EXPECT_THAT(content.substr(10, 118),
              ::testing::StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"));
  EXPECT_EQ(content[127], '\n');
  EXPECT_EQ(std::memcmp(content.data() + 128, values.data(), 24), 0);
}

}  // namespace
}  // namespace retinaface::pipeline
