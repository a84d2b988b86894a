#include "dataset/complete_sizes.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "support/testing.h"

namespace retinaface::dataset {
namespace {

TEST(CompleteSizes, AreTakenFromTheImagesWhereTheAnnotationsDoNotSayThem) {
  const retinaface::testing::TemporaryFolder folder;
  write_image(folder / "a.png", Image(60, 40));
  write_image(folder / "b.png", Image(30, 20));
  TrainingSet set;
  set.images = folder.path();
  set.annotations = {{"a.png", {}}, {"none.png", {}}, {"b.png", {}, 7, 8}};
  std::vector<std::string> problems;
  std::vector<std::size_t> told;
  EXPECT_EQ(complete_sizes(
                set, 2, [&](const std::string& problem) { problems.push_back(problem); },
                [&](std::size_t done, std::size_t of) { told.push_back(10 * done + of); }),
            1U);
  EXPECT_EQ(set.annotations[0].width, 60);
  EXPECT_EQ(set.annotations[0].height, 40);
  EXPECT_FALSE(has_size(set.annotations[1]));
  EXPECT_EQ(set.annotations[2].width, 7);  // said, so not looked at
  EXPECT_THAT(problems, ::testing::ElementsAre(::testing::HasSubstr("none.png")));
  EXPECT_THAT(told, ::testing::ElementsAre(12, 22));
}

}  // namespace
}  // namespace retinaface::dataset
