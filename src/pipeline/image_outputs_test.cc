#include "pipeline/image_outputs.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/alignment.h"

#include "pipeline/own_output.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const Face kFace = {0.9F, {20, 10, 40, 40}, {{{25, 20}, {35, 20}, {30, 25}, {26, 32}, {34, 32}}}};

TEST(ImageOutputs, StandBelowTheFolderByTheirPaths) {
  EXPECT_EQ(place_in("out", "a/b.jpg"), "out/a/b.jpg");
  EXPECT_EQ(place_in("out", "/a/../b.jpg"), "out/a/b.jpg");
  EXPECT_EQ(place_in("out", "./b.jpg"), "out/b.jpg");
  EXPECT_EQ(place_in("v.mp4", "a/b.avi"), "v.mp4");
  EXPECT_EQ(place_of_video({.folder = "out"}, "a.avi"), "out/a.avi.mp4");
  EXPECT_EQ(place_of_video({.folder = "out"}, "a.mkv"), "out/a.mkv");
}

TEST(ImageOutputs, AFoldersNameMayEndAsAVideos) {
  const testing::TemporaryFolder folder;
  fs::create_directory(folder / "x.mp4");
  EXPECT_FALSE(is_video_place(folder / "x.mp4"));
  EXPECT_TRUE(is_video_place(folder / "y.mp4"));
  EXPECT_FALSE(is_video_place(folder / "y"));
  fs::create_directory(folder / "x.png");
  EXPECT_FALSE(is_image_place(folder / "x.png"));
  EXPECT_TRUE(is_image_place(folder / "y.JPG"));
  EXPECT_FALSE(is_image_place(folder / "y.tif"));
}

TEST(ImageOutputs, CropsReachOverTheBoxAndNotOverTheImage) {
  const testing::TemporaryFolder folder;
  const ImageOutputs outputs{.folder = folder.path(), .crops = true, .aligned = true};
  write_faces(outputs, "a.jpg", std::nullopt, {}, cut_faces(outputs, Image(44, 60), {kFace}));
  // A quarter of the longer side, 7.5 px, all around, as far as the image goes.
  const Image crop = read_image(folder / "a.jpg.faces/0.png");
  EXPECT_EQ(crop.width(), 44 - 12);
  EXPECT_EQ(crop.height(), 48 - 2);
  EXPECT_EQ(read_image(folder / "a.jpg.aligned/0.png").width(), kAlignedSide);
  write_faces(outputs, "v.mp4", video::FrameStamp{17, 1}, {5},
              cut_faces(outputs, Image(44, 60), {kFace}));
  EXPECT_TRUE(fs::exists(folder / "v.mp4.faces/000017_5.png"));
}

TEST(ImageOutputs, CropsOfFacesOutsideTheImageAreLeftOut) {
  const testing::TemporaryFolder folder;
  const ImageOutputs outputs{.folder = folder.path(), .crops = true};
  Face outside = kFace;
  outside.box = {200, 200, 220, 220};
  write_faces(outputs, "a.jpg", std::nullopt, {},
              cut_faces(outputs, Image(44, 60), {outside, kFace}));
  EXPECT_FALSE(fs::exists(folder / "a.jpg.faces/0.png"));
  EXPECT_TRUE(fs::exists(folder / "a.jpg.faces/1.png"));
}

TEST(ImageOutputs, AnnotatedImagesAreWrittenInAFormatThatWeWrite) {
  const testing::TemporaryFolder folder;
  const ImageOutputs outputs{.folder = folder.path(), .draw = true};
  Image image(44, 60);
  annotate(outputs, {kFace}, {}, image);
  write_annotated(outputs, "a/b.tif", image);
  const Image written = read_image(folder / "a/b.tif.png");
  EXPECT_GT(written.row(10)[3 * 30 + 1], 0);  // the box's upper side
  EXPECT_TRUE(is_own_output(folder / "a/b.tif.png", OutputKind::kImage));
}

TEST(ImageOutputs, OfTwoInputsAreKeptApartByTheGuard) {
  OutputGuard guard(false);
  const ImageOutputs outputs{.folder = "/nowhere", .draw = true};
  announce(outputs, "p.tif", FrameKind::kImage, guard);
  EXPECT_THAT(
      testing::error_of([&] { announce(outputs, "p.tif.png", FrameKind::kImage, guard); }).what(),
      HasSubstr("p.tif.png"));
}

}  // namespace
}  // namespace retinaface::pipeline
