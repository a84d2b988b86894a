#include "pipeline/npy.h"

#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::pipeline {
namespace {

TEST(Npy, IsWhatNumPyReads) {
  const std::vector<float> values = {1, 2, 3, 4, 5, -6};
  const std::string content = npy_matrix(values, 3);
  // numpy.save of the same matrix, version 1.0, has 128 bytes before the data, and the same entries
  // in another order.
  EXPECT_EQ(content.substr(0, 6), "\x93NUMPY");
  EXPECT_EQ(content[6], 1);
  EXPECT_EQ(content.size(), 128 + 24U);
  EXPECT_EQ(static_cast<unsigned char>(content[8]), 118);
  EXPECT_THAT(content.substr(10, 118),
              ::testing::StartsWith("{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4', }"));
  EXPECT_EQ(content[127], '\n');
  EXPECT_EQ(std::memcmp(content.data() + 128, values.data(), 24), 0);
}

TEST(Npy, IsKnownAgain) {
  const std::vector<float> values(512);
  EXPECT_TRUE(is_own_npy(npy_matrix(values, 512)));
  EXPECT_TRUE(is_own_npy(npy_matrix({}, 128)));
  const std::string by_numpy("\x93NUMPY\x01\x00v\0", 10);
  EXPECT_FALSE(
      is_own_npy(by_numpy + "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 512), }"));
  EXPECT_FALSE(is_own_npy("{'shape': ("));
  EXPECT_FALSE(is_own_npy(""));
}

}  // namespace
}  // namespace retinaface::pipeline
