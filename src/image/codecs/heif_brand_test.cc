#include "image/codecs/heif_brand.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface::codecs {
namespace {

HeifBrand brand_of(std::string_view bytes) {
  return heif_brand(std::as_bytes(std::span(bytes)));
}

TEST(HeifBrand, TellsImagesFromEachOtherAndFromVideos) {
  const auto images = testing::fixture_folder() / "images";
  EXPECT_EQ(heif_brand(read_file(images / "plain.heic")), HeifBrand::kHeic);
  EXPECT_EQ(heif_brand(read_file(images / "plain.avif")), HeifBrand::kAvif);

  constexpr std::string_view kVideo(
      "\0\0\0\x18"
      "ftypisom\0\0\2\0",
      16);
  EXPECT_EQ(brand_of(kVideo), HeifBrand::kNone);
  EXPECT_EQ(brand_of("...!ftypheic"), HeifBrand::kHeic);
  EXPECT_EQ(brand_of("...!ftyphei"), HeifBrand::kNone);
  EXPECT_EQ(brand_of("...!moovheic"), HeifBrand::kNone);
  EXPECT_EQ(brand_of(""), HeifBrand::kNone);
}

TEST(HeifBrand, TellsSequencesFromImages) {
  const auto is_sequence = [](std::string_view text) {
    return is_heif_sequence(std::as_bytes(std::span(text)));
  };
  EXPECT_TRUE(is_sequence("...!ftypavis"));
  EXPECT_TRUE(is_sequence("...!ftyphevc"));
  EXPECT_FALSE(is_sequence("...!ftypavif"));
  EXPECT_FALSE(is_sequence("...!ftyphe"));
  EXPECT_FALSE(is_sequence(""));
}

}  // namespace
}  // namespace retinaface::codecs
