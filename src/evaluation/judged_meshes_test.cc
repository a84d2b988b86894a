#include "evaluation/judged_meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/error.h"

#include "mesh/topology.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::SizeIs;

dataset::MeshLabel label(const std::string& image, const Box& box, bool is_test = true) {
  dataset::MeshLabel label;
  label.image = image;
  label.box = box;
  label.is_test = is_test;
  return label;
}

TEST(JudgedMeshes, AreThoseOfEveryNthLabelByImage) {
  const std::vector<dataset::MeshLabel> labels = {
      label("a.jpg", {0, 0, 1, 1}), label("a.jpg", {0, 0, 2, 2}),
      label("a.jpg", {0, 0, 3, 3}, false), label("b.jpg", {0, 0, 4, 4})};
  const auto all = chosen_labels(labels, false, 1);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_THAT(all[0], SizeIs(2));
  EXPECT_EQ(all[1][0].image, "b.jpg");
  EXPECT_THAT(chosen_labels(labels, true, 1)[0], SizeIs(3));
  const auto some = chosen_labels(labels, false, 2);
  ASSERT_THAT(some, SizeIs(2));
  EXPECT_THAT(some[0], SizeIs(1));
  EXPECT_THAT(chosen_labels({}, true, 1), SizeIs(0));
}

TEST(JudgedMeshes, HaveNoErrorWhereNoFaceIsFound) {
  Face face{.score = 0.9F, .box = {10, 10, 60, 60}};
  face.mesh = FaceMesh();
  for (const mesh::Vector& v : mesh::topology().neutral) {
    face.mesh->vertices.push_back({35 + 20 * v.x, 35 - 20 * v.y, -20 * v.z});
    face.mesh->colors.push_back({0, 0, 0});
  }
  const MeshLabelsOfImage labels = {label("hopper.jpg", {12, 10, 62, 60}),
                                    label("hopper.jpg", {50, 50, 100, 100})};
  const auto find = [&](const Image& image) {
    EXPECT_FALSE(image.empty());
    return std::vector<Face>{face};
  };
  const JudgedMeshes judged = judge_meshes(labels, testing::sample_folder(), find);
  EXPECT_EQ(judged.problem, "");
  ASSERT_THAT(judged.errors, SizeIs(2));
  ASSERT_TRUE(judged.errors[0]);
  EXPECT_EQ(judged.errors[0]->image, "hopper.jpg");
  EXPECT_FALSE(judged.errors[1]);
}

TEST(JudgedMeshes, OfAnImageThatCannotBeReadAreAProblem) {
  const auto find = [](const Image&) { return std::vector<Face>(); };
  const MeshLabelsOfImage missing = {label("missing.jpg", {0, 0, 9, 9})};
  const JudgedMeshes judged = judge_meshes(missing, testing::sample_folder(), find);
  EXPECT_THAT(judged.problem, HasSubstr("missing.jpg"));
  EXPECT_THAT(judged.errors, SizeIs(0));
  const auto fails = [](const Image&) -> std::vector<Face> {
    throw Error(ErrorCode::kUnsupported, "no such operator");
  };
  const MeshLabelsOfImage labels = {label("hopper.jpg", {0, 0, 9, 9})};
  EXPECT_THAT(error_of([&] { judge_meshes(labels, testing::sample_folder(), fails); }).what(),
              HasSubstr("no such operator"));
}

}  // namespace
}  // namespace retinaface::evaluation
