#include "evaluation/wider_files.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/random_results.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using testing::error_of;
using testing::RandomSet;
using testing::TemporaryFolder;

TEST(WiderFiles, BelongToImagesByTheirPath) {
  const RandomSet set(1);
  const TemporaryFolder folder;
  const auto write = [&](const std::string& event, const std::string& name) {
    std::filesystem::create_directories(folder / event);
    write_file_atomically(folder / event / name, std::string("x"));
  };
  write("0--A", "image3.txt");
  write("0--A", "image2.TXT");
  write("0--A", "image1.jpg");
  write("0--A", "stranger.txt");
  write("1--B", "image3.txt");  // that image is of another event
  write("9--Z", "image4.txt");
  const std::string_view text[] = {".txt"};
  const WiderFiles files = find_wider_files(set.truth, folder.path(), text);
  ASSERT_EQ(files.by_image.size(), 2U);
  EXPECT_EQ(files.by_image.at(2).filename(), "image2.TXT");
  EXPECT_EQ(files.by_image.at(3).filename(), "image3.txt");
  EXPECT_EQ(files.unknown, 2U);

  const TemporaryFolder empty;
  EXPECT_EQ(error_of([&] { find_wider_files(set.truth, empty.path(), text); }).code(),
            ErrorCode::kBadData);
  EXPECT_EQ(error_of([&] { find_wider_files(set.truth, empty / "none", text); }).code(),
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace retinaface::evaluation
