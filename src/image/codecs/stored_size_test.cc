#include "image/codecs/stored_size.h"

#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using testing::fixture_folder;

/// Every fixture and sample that can be read at all has the size that decoding it gives.
TEST(StoredSize, IsThatOfTheDecodedImage) {
  std::size_t compared = 0;
  for (const auto& folder : {fixture_folder(), testing::sample_folder()}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::optional<Image> image;
      try {
        image = read_image(entry.path(), {.apply_orientation = false});
      } catch (const Error&) {
        continue;
      }
      const StoredSize size = stored_size(entry.path());
      EXPECT_EQ(size.width, image->width()) << entry.path();
      EXPECT_EQ(size.height, image->height()) << entry.path();
      ++compared;
    }
  }
  EXPECT_GT(compared, 10U);
}

TEST(StoredSize, OfNoImageIsAnErrorWithItsName) {
  const testing::TemporaryFolder folder;
  write_file_atomically(folder / "a.png", std::string("\x89PNG\r\n\x1A\n"));
  const Error error = error_of([&] { stored_size(folder / "a.png"); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_NE(std::string(error.what()).find("a.png"), std::string::npos);
  EXPECT_EQ(error_of([&] { stored_size(folder / "none.jpg"); }).code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace retinaface
