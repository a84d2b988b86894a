#include "evaluation/mat_file.h"

#include <random>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/mat_writer.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryFolder;
namespace mat = testing::mat;

class MatFileTest : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& content) {
    write_file_atomically(folder_ / "x.mat", content);
    return folder_ / "x.mat";
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(MatFileTest, ReadsNumbersTextAndNestedCells) {
  const auto path = write(
      mat::file({mat::numbers(2, 3, {1, 2, 3, 4, 5, 6}, "grid"), mat::text("0--Parade", "name"),
                 mat::compressed(mat::cells(
                     {mat::cells({mat::text("a"), mat::element(14, "")}), mat::numbers(1, 1, {-7})},
                     "list"))}));
  const MatFile file(path);
  const MatArray grid = file.read("grid");
  EXPECT_EQ(grid.rows, 2U);
  EXPECT_EQ(grid.columns, 3U);
  EXPECT_THAT(grid.numbers, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(file.read("name").text, "0--Parade");
  const MatArray list = file.read("list");
  ASSERT_EQ(list.cells.size(), 2U);
  ASSERT_EQ(list.cells[0].cells.size(), 2U);
  EXPECT_EQ(list.cells[0].cells[0].text, "a");
  EXPECT_THAT(list.cells[0].cells[1].numbers, IsEmpty());
  EXPECT_THAT(list.cells[1].numbers, ElementsAre(-7));
}

TEST_F(MatFileTest, ReadsSmallElementsAndNarrowIntegers) {
  // MATLAB stores doubles that happen to be small integers in the narrowest type, and up to four
  // bytes inside the tag: 3 bytes of type 2.
  const std::string small("\x02\x00\x03\x00\x05\xFF\x07\x00", 8);
  const auto path = write(mat::file({mat::element(14, mat::header(6, 3, 1, "v") + small)}));
  EXPECT_THAT(MatFile(path).read("v").numbers, ElementsAre(5, 255, 7));
}

TEST_F(MatFileTest, SaysWhatIsWrong) {
  EXPECT_EQ(error_of([] { MatFile("/nowhere/x.mat"); }).code(), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { MatFile(write("short")); }).code(), ErrorCode::kBadData);
  EXPECT_EQ(error_of([&] { MatFile(write(std::string(200, 'x'))); }).code(), ErrorCode::kBadData);

  std::string hdf = mat::file({});
  hdf[125] = 2;
  EXPECT_EQ(error_of([&] { MatFile(write(hdf)); }).code(), ErrorCode::kUnsupported);

  const MatFile file(write(mat::file({mat::element(14, mat::header(2, 1, 1, "structure"))})));
  EXPECT_THAT(error_of([&] { file.read("none"); }).what(), HasSubstr("variable none"));
  EXPECT_EQ(error_of([&] { file.read("structure"); }).code(), ErrorCode::kBadData);

  std::string deep = mat::numbers(1, 1, {1});
  for (int i = 0; i < 100; ++i) deep = mat::cells({deep}, "deep");
  EXPECT_THAT(error_of([&] { MatFile(write(mat::file({deep}))).read("deep"); }).what(),
              HasSubstr("nested"));
}

TEST_F(MatFileTest, RefusesDamageOrReadsAround) {
  const std::string array =
      mat::cells({mat::numbers(2, 2, {1, 2, 3, 4}), mat::text("name")}, "list");
  std::mt19937 random(1);
  for (const std::string& variable : {array, mat::compressed(array)}) {
    const std::string whole = mat::file({variable});
    for (std::size_t size = 0; size < whole.size(); size += 3) {
      const Error error = error_of([&] { MatFile(write(whole.substr(0, size))).read("list"); });
      EXPECT_EQ(error.code(), ErrorCode::kBadData) << size;
      EXPECT_THAT(error.what(), HasSubstr("x.mat: ")) << size;
    }
    for (int i = 0; i < 500; ++i) {
      std::string damaged = whole;
      damaged[128 + random() % (damaged.size() - 128)] = static_cast<char>(random());
      try {
        const MatArray list = MatFile(write(damaged)).read("list");
        // Where the damage is not seen, it is one value's.
        EXPECT_LE(list.cells.size(), 2U);
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::kBadData || error.code() == ErrorCode::kUnsupported)
            << error.what();
        EXPECT_THAT(error.what(), HasSubstr("x.mat: "));
      }
    }
  }
}

}  // namespace
}  // namespace retinaface::evaluation
