#include "pipeline/face_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/face_quality.h"

#include "support/made_recognizer.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(FaceRequest, GivesWhatIsWantedOfEachFace) {
  const testing::TemporaryFolder folder;
  testing::write_made_recognizer(folder / "made.safetensors");
  const Recognizer recognizer((folder / "made.safetensors").string());
  const Image image = read_image(testing::sample_folder() / "portrait.jpg");
  const Detector detector;

  const ImageResult plain = detect_faces(detector, FaceRequest{}, image, "portrait").result;
  ASSERT_THAT(plain.faces, SizeIs(1));
  EXPECT_THAT(plain.qualities, IsEmpty());
  EXPECT_THAT(plain.embeddings, IsEmpty());

  for (const bool is_frame : {false, true}) {
    const FaceRequest request = {.detect = {}, .quality = true, .recognizer = recognizer};
    const auto frame = is_frame ? std::optional(video::FrameStamp{}) : std::nullopt;
    const ImageResult full = detect_faces(detector, request, image, "portrait", frame).result;
    ASSERT_THAT(full.faces, SizeIs(1));
    ASSERT_THAT(full.qualities, SizeIs(1));
    EXPECT_EQ(full.qualities[0].sharpness, face_quality(image, full.faces[0]).sharpness);
    ASSERT_THAT(full.embeddings, SizeIs(1));
    EXPECT_EQ(full.embeddings[0], recognizer.embed(image, full.faces[0].landmarks));
  }
}

TEST(FaceRequest, ReducesImagesOfWhichOnlyFacesAreWanted) {
  FaceRequest request{.detect = {.scales = {0.5F}}};
  EXPECT_EQ(request.reduction(), 2);
  request.quality = true;
  EXPECT_EQ(request.reduction(), 1);
  request.quality = false;
  request.detect.mesh = true;
  EXPECT_EQ(request.reduction(), 1);
}

}  // namespace
}  // namespace retinaface::pipeline
