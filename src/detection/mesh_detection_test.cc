#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "detection/detector_factory.h"
#include "image/convert.h"
#include "mesh/topology.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

Image sample(const char* name) {
  return read_image(testing::sample_folder() / name);
}

std::vector<Face> faces_with_meshes(const Image& image) {
  DetectOptions options;
  options.mesh = true;
  return Detector().detect(image, options);
}

class MeshDetectionOfTypes : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(MeshDetection, MeshDetectionOfTypes,
                         ::testing::Values("float32", "bfloat16", "int8"),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(MeshDetectionOfTypes, ChangesNothingElseByOneBit) {
  std::optional<Detector> made;
  try {
    made.emplace(RuntimeOptions{.type = GetParam()});
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const Detector& detector = *made;
  for (const char* name : {"crowd.webp", "portrait.jpg", "hopper.jpg"}) {
    const Image image = sample(name);
    for (const bool clips : {false, true}) {
      DetectOptions options;
      options.min_score = 0.3F;
      options.clip_to_image = clips;
      options.max_faces = 40;
      const std::vector<Face> without = detector.detect(image, options);
      options.mesh = true;
      const std::vector<Face> with = detector.detect(image, options);
      ASSERT_EQ(with.size(), without.size()) << name;
      for (std::size_t i = 0; i < with.size(); ++i) {
        EXPECT_EQ(with[i].score, without[i].score);
        EXPECT_EQ(with[i].box, without[i].box);
        EXPECT_EQ(with[i].landmarks, without[i].landmarks);
        EXPECT_TRUE(with[i].values.empty());
        EXPECT_FALSE(without[i].mesh.has_value());
        ASSERT_TRUE(with[i].mesh.has_value());
        EXPECT_EQ(with[i].mesh->vertices.size(), kMeshVertices);
        EXPECT_EQ(with[i].mesh->colors.size(), kMeshVertices);
      }
    }
  }
}

TEST(MeshDetection, MeshesLieOnTheirFaces) {
  for (const char* name : {"crowd.webp", "portrait.jpg", "hopper.jpg"}) {
    double sum = 0;
    std::vector<Face> faces = faces_with_meshes(sample(name));
    // Those of sizes that it was trained by.
    std::erase_if(faces, [](const Face& face) { return face.box.height() < 28; });
    ASSERT_FALSE(faces.empty());
    for (const Face& face : faces) {
      const std::array<Point, 5> five = mesh::five_of(landmarks_68(*face.mesh));
      const double size = std::sqrt(double{face.box.width()} * face.box.height());
      for (std::size_t k = 0; k < five.size(); ++k) {
        sum +=
            std::hypot(five[k].x - face.landmarks[k].x, five[k].y - face.landmarks[k].y) / 5 / size;
      }
    }
    EXPECT_LT(sum / static_cast<double>(faces.size()), 0.06) << name;
  }
}

// The mesh of a portrait that lies is that of the portrait, lying.
TEST(MeshDetection, OfTurnedHeadsLieOnThem) {
  const Image upright = sample("portrait.jpg");
  Image lying(upright.height(), upright.width());
  for (int y = 0; y < upright.height(); ++y) {
    for (int x = 0; x < upright.width(); ++x) {  // clockwise by a quarter
      std::copy_n(upright.row(y) + 3 * x, 3, lying.row(x) + 3 * (upright.height() - 1 - y));
    }
  }
  DetectOptions options;
  options.mesh = true;
  options.turned = true;
  options.max_faces = 1;
  const Detector detector;
  const std::vector<Face> want = detector.detect(upright, options);
  const std::vector<Face> got = detector.detect(lying, options);
  ASSERT_EQ(want.size(), 1U);
  ASSERT_EQ(got.size(), 1U);
  const double size = std::sqrt(double{want[0].box.width()} * want[0].box.height());
  double sum = 0;
  for (std::size_t i = 0; i < kMeshVertices; ++i) {
    const MeshVertex& from = want[0].mesh->vertices[i];
    const MeshVertex& to = got[0].mesh->vertices[i];
    sum += std::hypot(to.x - (static_cast<float>(upright.height()) - from.y), to.y - from.x,
                      to.z - from.z) /
           size;
  }
  EXPECT_LT(sum / static_cast<double>(kMeshVertices), 0.06);
  EXPECT_NEAR(got[0].mesh->pose.roll - want[0].mesh->pose.roll, 90, 12);
  const std::array<Point, 5> five = mesh::five_of(landmarks_68(*got[0].mesh));
  for (std::size_t k = 0; k < five.size(); ++k) {
    EXPECT_LT(std::hypot(five[k].x - got[0].landmarks[k].x, five[k].y - got[0].landmarks[k].y),
              0.1 * size)
        << k;
  }
}

TEST(MeshDetection, AMirrorTurnsTheHeadTheOtherWay) {
  const Image image = sample("portrait.jpg");
  Image other = to_rgb(image);
  mirror(other);
  const std::vector<Face> a = faces_with_meshes(image);
  const std::vector<Face> b = faces_with_meshes(other);
  ASSERT_FALSE(a.empty());
  ASSERT_FALSE(b.empty());
  EXPECT_NEAR(a.front().mesh->pose.yaw, -b.front().mesh->pose.yaw, 8);
  EXPECT_NEAR(a.front().mesh->pose.roll, -b.front().mesh->pose.roll, 4);
  EXPECT_NEAR(a.front().mesh->pose.pitch, b.front().mesh->pose.pitch, 6);
}

TEST(MeshDetection, ColorsAreThoseOfTheImage) {
  Image image = sample("portrait.jpg");
  const auto mean_color = [](const Image& of) {
    const FaceMesh mesh = faces_with_meshes(of).front().mesh.value();
    MeshColor sum;
    for (const MeshColor& c : mesh.colors) {
      sum.red += c.red / kMeshVertices;
      sum.green += c.green / kMeshVertices;
      sum.blue += c.blue / kMeshVertices;
    }
    // Cheeks and nose lie open in this image.
    double off = 0;
    for (const std::size_t i : {27U, 28U, 29U, 30U, 31U, 35U}) {
      const std::uint16_t v = mesh::topology().landmarks_68[i];
      const std::uint8_t* const pixel = of.row(static_cast<int>(mesh.vertices[v].y)) +
                                        std::ptrdiff_t{3} * static_cast<int>(mesh.vertices[v].x);
      off += (std::abs(mesh.colors[v].red - pixel[0] / 255.0) +
              std::abs(mesh.colors[v].green - pixel[1] / 255.0) +
              std::abs(mesh.colors[v].blue - pixel[2] / 255.0)) /
             18;
    }
    EXPECT_LT(off, 0.15);
    return sum;
  };
  const MeshColor bright = mean_color(image);
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      image.row(y)[3 * x] = static_cast<std::uint8_t>(image.row(y)[3 * x] * 0.6);
    }
  }
  const MeshColor less_red = mean_color(image);
  EXPECT_NEAR(less_red.red, 0.6 * bright.red, 0.06);
  EXPECT_NEAR(less_red.blue, bright.blue, 0.06);
}

/// Mean difference of a mesh's colors from the image's at its landmarks that no hair hides.
double color_difference(const FaceMesh& mesh, const Image& image) {
  double sum = 0;
  for (std::size_t i = mesh::kFirstInner68; i < 68; ++i) {
    const std::uint16_t v = mesh::topology().landmarks_68[i];
    const std::uint8_t* const pixel = image.row(static_cast<int>(mesh.vertices[v].y)) +
                                      std::ptrdiff_t{3} * static_cast<int>(mesh.vertices[v].x);
    sum += std::abs(mesh.colors[v].red - pixel[0] / 255.0) +
           std::abs(mesh.colors[v].green - pixel[1] / 255.0) +
           std::abs(mesh.colors[v].blue - pixel[2] / 255.0);
  }
  return sum / (3.0 * 51);
}

// That it brings them closer is tested where the truth is known (src/mesh/image_fit_test.cc).
TEST(MeshDetection, RefiningMovesMeshesALittle) {
  const Image image = sample("portrait.jpg");
  DetectOptions options;
  options.mesh = true;
  const Detector detector;
  const Face before = detector.detect(image, options).front();
  options.refine_mesh = true;
  const Face after = detector.detect(image, options).front();
  EXPECT_EQ(after.box, before.box);
  EXPECT_EQ(after.landmarks, before.landmarks);
  EXPECT_LT(color_difference(*after.mesh, image), 0.1);
  double moved = 0;
  for (std::size_t i = 0; i < kMeshVertices; ++i) {
    moved += std::hypot(after.mesh->vertices[i].x - before.mesh->vertices[i].x,
                        after.mesh->vertices[i].y - before.mesh->vertices[i].y) /
             kMeshVertices;
  }
  EXPECT_GT(moved, 0.01);
  EXPECT_LT(moved, 0.05 * before.box.width());
}

TEST(MeshDetection, TellsWhatIsWrongWithAModel) {
  DetectOptions options;
  options.mesh = true;
  const Image image(64, 64);
  models::LoadedModel loaded = models::load_builtin_model(models::kDefaultModel);
  loaded.origin = WeightsOrigin::kMemory;
  graph::Weights branch = std::move(loaded.mesh);
  loaded.mesh = {};
  EXPECT_THAT(
      error_of([&] { detection::DetectorFactory::make(loaded).detect(image, options); }).what(),
      HasSubstr("the model has no mesh branch"));
  // A network that has changed since the branch was trained.
  loaded.mesh = std::move(branch);
  float& changed = loaded.weights.tensors.begin()->second.values()[0];
  const float before = changed;
  changed += 1;
  EXPECT_THAT(
      error_of([&] { detection::DetectorFactory::make(loaded).detect(image, options); }).what(),
      HasSubstr("expected a mesh branch that was trained with the network"));
  EXPECT_NO_THROW(detection::DetectorFactory::make(loaded).detect(image));
  changed = before;
  loaded.mesh.tensors.erase("mesh.texture.mean");
  EXPECT_THAT(
      error_of([&] { detection::DetectorFactory::make(loaded).detect(image, options); }).what(),
      HasSubstr("expected the mesh branch's tensor mesh.texture.mean"));
}

TEST(MeshDetectionThreads, MakeTheBranchOnceTogether) {
  const Detector detector;
  const Image image = sample("portrait.jpg");
  DetectOptions options;
  options.mesh = true;
  const std::vector<ImageView> images(4, image.view());
  const auto all = detector.detect_batch(images, options, 4);
  for (const std::vector<Face>& faces : all) {
    ASSERT_EQ(faces.size(), all.front().size());
    EXPECT_EQ(faces.front().mesh->vertices[30].x, all.front().front().mesh->vertices[30].x);
  }
}

}  // namespace
}  // namespace retinaface
