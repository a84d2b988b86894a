#include "dataset/check_image.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/testing.h"

namespace retinaface::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CheckImage : public ::testing::Test {
 protected:
  CheckImage() { write_image(folder_ / "a.png", Image(60, 40)); }

  testing::TemporaryFolder folder_;
};

TEST_F(CheckImage, FindsNothingInASoundEntry) {
  const AnnotatedImage sound = {"a.png", {{.box = {10, 10, 30, 30}}}, 60, 40};
  const CheckedImage checked = check_image(folder_.path(), sound);
  EXPECT_THAT(checked.defects, IsEmpty());
  EXPECT_EQ(checked.image.width(), 60);
}

TEST_F(CheckImage, TellsWhatIsWrongWithTheImage) {
  const auto defect_of = [&](const AnnotatedImage& entry) {
    const CheckedImage checked = check_image(folder_.path(), entry);
    EXPECT_THAT(checked.defects, SizeIs(1));
    EXPECT_EQ(checked.image.empty(), entry.path != "a.png");
    return checked.defects.at(0);
  };
  EXPECT_EQ(defect_of({"none.png", {}}).defect, Defect::kImageMissing);
  std::ofstream(folder_ / "text.png") << "no image";
  EXPECT_EQ(defect_of({"text.png", {}}).defect, Defect::kImageUnreadable);
  const FoundDefect differs = defect_of({"a.png", {}, 40, 60});
  EXPECT_EQ(differs.defect, Defect::kSizeDiffers);
  EXPECT_EQ(differs.text, "a.png: 60 x 40 pixels, its annotations say 40 x 60");
  // The image's own size decides what is outside.
  EXPECT_EQ(defect_of({"a.png", {{.box = {10, 10, 80, 30}}}}).defect, Defect::kBoxOutside);
}

TEST_F(CheckImage, WaitsForNoPipe) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe.png").c_str(), 0600), 0);
  const CheckedImage checked = check_image(folder_.path(), {"pipe.png", {}});
  ASSERT_THAT(checked.defects, SizeIs(1));
  EXPECT_THAT(checked.defects[0].text, HasSubstr("pipe.png: expected a file, found a pipe"));
}

TEST(DrawAnnotations, ShowsIgnoredFacesInGray) {
  const AnnotatedImage annotated = {
      "a.png", {{.box = {10, 10, 30, 30}}, {.box = {50, 10, 70, 30}, .ignored = true}}};
  Image image(80, 40);
  draw_annotations(annotated, image);
  const std::uint8_t* const face = image.row(20) + 3 * 10;
  const std::uint8_t* const ignored = image.row(20) + 3 * 50;
  EXPECT_FALSE(face[0] == face[1] && face[1] == face[2]);
  EXPECT_THAT(std::vector(ignored, ignored + 3), ElementsAre(170, 170, 170));
}

TEST(ChosenForDrawing, AreTakenEvenlyFromTheImagesWithFaces) {
  const AnnotatedImage with = {"with", {{.box = {0, 0, 9, 9}}}};
  const AnnotatedImage without = {"without", {}};
  const AnnotationSet set = {with, without, with, with, without, with};
  EXPECT_THAT(chosen_for_drawing(set, 2), ElementsAre(true, false, false, true, false, false));
  EXPECT_THAT(chosen_for_drawing(set, 9), ElementsAre(true, false, true, true, false, true));
  EXPECT_THAT(chosen_for_drawing(set, 0), ElementsAre(false, false, false, false, false, false));
}

}  // namespace
}  // namespace retinaface::dataset
