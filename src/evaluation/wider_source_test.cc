#include "evaluation/wider_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using ::testing::ElementsAre;
using testing::error_of;

WiderFiles files_of(const std::vector<std::size_t>& images) {
  WiderFiles files;
  for (const std::size_t image : images) files.by_image[image] = "some.txt";
  return files;
}

TEST(CommonImages, HaveAFileInEachFolder) {
  const WiderFiles a = files_of({1, 2, 5, 7});
  const WiderFiles b = files_of({0, 2, 7});
  const WiderFiles c = files_of({7, 2, 1});
  EXPECT_THAT(common_images(std::vector{&a, &b, &c}), ElementsAre(2, 7));
  EXPECT_THAT(common_images(std::vector{&a}), ElementsAre(1, 2, 5, 7));
  const WiderFiles other = files_of({3});
  const Error error = error_of([&] { common_images(std::vector{&a, &other}); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("in all 2 folders"));
}

}  // namespace
}  // namespace retinaface::evaluation
