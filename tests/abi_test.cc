// What programs that are linked with the shared library depend on: the symbols that it exports and
// the sizes of the public types, compared with the lists in tests/data/abi. Whoever changes them on
// purpose writes the lists anew by the command that the failure names, raises the library's version
// where something has gone or changed, and says so in CHANGELOG.md.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/c.h"
#include "retinaface/retinaface.h"

#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface {
namespace {

constexpr const char* kUpdate = "RETINAFACE_UPDATE_ABI";

std::set<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::set<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text.empty() ? "\n  none" : text;
}

/// Compares with the committed list, or writes that anew.
void expect_as_committed(const std::string& name, const std::set<std::string>& found) {
  const auto file = testing::fixture_folder() / "abi" / name;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody here sets it
  if (std::getenv(kUpdate) != nullptr) {
    std::ofstream out(file);
    for (const std::string& line : found) out << line << '\n';
    ASSERT_TRUE(out.flush()) << file;
    return;
  }
  const std::set<std::string> committed = lines_of(testing::content_of(file));
  ASSERT_FALSE(committed.empty()) << file;
  std::vector<std::string> gone;
  std::vector<std::string> added;
  std::ranges::set_difference(committed, found, std::back_inserter(gone));
  std::ranges::set_difference(found, committed, std::back_inserter(added));
  EXPECT_TRUE(gone.empty() && added.empty())
      << file << "\nGone or changed:" << joined(gone) << "\nNew:" << joined(added)
      << "\nIf that is meant: " << kUpdate << "=1 build/release/bin/abi_test";
}

/// The lists are of 64-bit processors and GCC's standard library.
bool lists_are_of_this_system() {
#ifdef __GLIBCXX__
  return sizeof(void*) == 8 && sizeof(long) == 8;
#else
  return false;
#endif
}

TEST(Abi, TheExportedSymbolsAreThoseOfTheList) {
  const testing::CommandResult result = testing::run("nm -D --defined-only -C '" RETINAFACE_LIBRARY
                                                     "' | sed 's/^[0-9a-f]* [A-Za-z] //'");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const std::set<std::string> symbols = lines_of(result.output);
  for (const std::string& symbol : symbols) {
    EXPECT_THAT(symbol, ::testing::ContainsRegex(
                            "^(rf_[a-z]|((typeinfo (name )?|vtable )for )?retinaface::)"));
    EXPECT_THAT(symbol, ::testing::Not(::testing::ContainsRegex("::Implementation::|anonymous")));
  }
  if (lists_are_of_this_system()) expect_as_committed("symbols.txt", symbols);
}

TEST(Abi, ThePublicTypesHaveTheSizesOfTheList) {
  if (!lists_are_of_this_system()) GTEST_SKIP() << "the list is of another kind of system";
  std::set<std::string> sizes;
  const auto add = [&](const std::string& name, std::size_t size, std::size_t alignment) {
    sizes.insert(name + ": " + std::to_string(size) + " bytes, aligned to " +
                 std::to_string(alignment));
  };
#define RF_ADD(type) add(#type, sizeof(type), alignof(type))
  RF_ADD(ArrayView<Face>);
  RF_ADD(Box);
  RF_ADD(DetectOptions);
  RF_ADD(Detector);
  RF_ADD(Error);
  RF_ADD(ErrorCode);
  RF_ADD(Face);
  RF_ADD(FaceInImage);
  RF_ADD(FaceMesh);
  RF_ADD(FaceQuality);
  RF_ADD(FrameStamp);
  RF_ADD(HeadPose);
  RF_ADD(Image);
  RF_ADD(ImageView);
  RF_ADD(Landmarks);
  RF_ADD(MeshColor);
  RF_ADD(MeshTriangle);
  RF_ADD(MeshVertex);
  RF_ADD(ModelInfo);
  RF_ADD(PixelFormat);
  RF_ADD(Point);
  RF_ADD(ReadOptions);
  RF_ADD(Recognizer);
  RF_ADD(RuntimeOptions);
  RF_ADD(Tracker);
  RF_ADD(TrackerOptions);
  RF_ADD(VideoOptions);
  RF_ADD(VideoReader);
  RF_ADD(WeightsOrigin);
  RF_ADD(rf_face);
  RF_ADD(rf_face_in_image);
  RF_ADD(rf_face_quality);
  RF_ADD(rf_image_view);
  RF_ADD(rf_mesh_color);
  RF_ADD(rf_mesh_vertex);
  RF_ADD(rf_pixel_format);
  RF_ADD(rf_point);
  RF_ADD(rf_pose);
  RF_ADD(rf_status);
  RF_ADD(rf_weights_origin);
#undef RF_ADD
  expect_as_committed("sizes.txt", sizes);
}

// Numbers that C programs are compiled with: they stay.
static_assert(RF_OK == 0 && RF_INVALID_ARGUMENT == 1 && RF_NOT_FOUND == 2 && RF_UNREADABLE == 3 &&
              RF_BAD_DATA == 4 && RF_UNSUPPORTED == 5 && RF_TOO_LARGE == 6 &&
              RF_OUT_OF_MEMORY == 7 && RF_INTERNAL_ERROR == 8 && RF_UNWRITABLE == 9);
static_assert(RF_RGB == 0 && RF_BGR == 1 && RF_RGBA == 2 && RF_BGRA == 3 && RF_GRAY == 4);

}  // namespace
}  // namespace retinaface
