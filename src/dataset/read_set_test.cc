#include "dataset/read_set.h"

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "dataset/testing.h"
#include "dataset/write_set.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// A file where an image would stand; nobody looks inside.
void put_image(const fs::path& path) {
  fs::create_directories(path.parent_path());
  write_file_atomically(path, std::string("image"));
}

TEST(ReadSet, KnowsEachFormatByItsContent) {
  const TemporaryFolder folder;
  for (const SetFormat format :
       {SetFormat::kLabelTxt, SetFormat::kWider, SetFormat::kCoco, SetFormat::kVoc}) {
    // The file's name says nothing.
    const fs::path written = write_set(folder / std::string(name_of(format)), format, full_set());
    const FoundSet found = read_set(written);
    EXPECT_EQ(found.format, format);
    EXPECT_EQ(found.set.annotations.size(), 3U);
    EXPECT_EQ(found.set.annotations[0].faces.size(), 2U) << name_of(format);
  }
  write_file_atomically(folder / "points", std::string("a.jpg 1 2 3 4 5 6 7 8 9 10 3\n"));
  EXPECT_EQ(read_set(folder / "points").format, SetFormat::kPoints);
  EXPECT_EQ(read_set(folder / "voc/Annotations/b.xml").set.annotations[0].path, "b.png");
}

TEST(ReadSet, ReadsAPipeThatIsNamed) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const SetFormat format :
       {SetFormat::kLabelTxt, SetFormat::kWider, SetFormat::kCoco, SetFormat::kVoc}) {
    const std::string text = formatted_files(folder.path(), format, full_set()).front().content;
    const std::jthread writer([&] { std::ofstream(folder / "pipe") << text; });
    const FoundSet found = read_set(folder / "pipe", {}, folder.path());
    EXPECT_EQ(found.format, format);
    EXPECT_EQ(found.set.annotations[0].faces.size(), 2U) << name_of(format);
  }
}

TEST(ReadSet, WaitsForNoPipeThatIsFound) {
  for (const char* const name :
       {"label.txt", "wider_face_val_bbx_gt.txt", "a.json", "Annotations/a.xml", "labels/a.txt"}) {
    const TemporaryFolder folder;
    fs::create_directories((folder / name).parent_path());
    fs::create_directories(folder / "images");
    write_image(folder / "images/a.png", Image(8, 8));
    ASSERT_EQ(::mkfifo((folder / name).c_str(), 0600), 0);
    EXPECT_THAT(error_of([&] { read_set(folder.path()); }).what(),
                HasSubstr(std::string(name) + ": expected a file, found a pipe or a device"));
  }
}

TEST(ReadSet, SkipsAByteOrderMark) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "set.txt", std::string("\xEF\xBB\xBF# a.jpg\n1 2 3 4\n"));
  const FoundSet found = read_set(folder / "set.txt");
  EXPECT_EQ(found.format, SetFormat::kLabelTxt);
  EXPECT_EQ(found.set.annotations[0].path, "a.jpg");
}

TEST(ReadSet, FindsLabelAndImagesInAFolder) {
  const TemporaryFolder folder;
  write_set(folder / "label.txt", SetFormat::kLabelTxt, full_set());
  write_set(folder / "annotations.json", SetFormat::kCoco, full_set());
  FoundSet found = read_set(folder.path());
  EXPECT_EQ(found.source, folder / "label.txt");
  EXPECT_EQ(found.set.images, folder / "images") << "where they should be, if anywhere";
  put_image(folder / "b.png");
  EXPECT_EQ(read_training_set(folder.path()).images, folder.path());
}

TEST(ReadSet, FindsWidersOwnLayout) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "wider_face_split");
  const fs::path file = folder / "wider_face_split/wider_face_val_bbx_gt.txt";
  write_set(file, SetFormat::kWider, full_set());
  put_image(folder / "WIDER_train/images/other.jpg");
  put_image(folder / "WIDER_val/images/0--Parade/an image.jpg");
  const FoundSet found = read_set(folder.path());
  EXPECT_EQ(found.format, SetFormat::kWider);
  EXPECT_EQ(found.source, file);
  EXPECT_EQ(found.set.images, folder / "WIDER_val/images");

  write_set(folder / "wider_face_split/wider_face_train_bbx_gt.txt", SetFormat::kWider, full_set());
  EXPECT_THAT(error_of([&] { read_set(folder.path()); }).what(),
              HasSubstr("expected one file of annotations, found wider_face_train_bbx_gt.txt, "
                        "wider_face_val_bbx_gt.txt; name one"));
}

TEST(ReadSet, FindsCocosOwnLayout) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "annotations");
  write_set(folder / "annotations/instances_train2017.json", SetFormat::kCoco, full_set());
  put_image(folder / "train2017/c.webp");
  const FoundSet found = read_set(folder.path());
  EXPECT_EQ(found.format, SetFormat::kCoco);
  EXPECT_EQ(found.set.images, folder / "train2017");
}

TEST(ReadSet, FindsVocsOwnLayout) {
  const TemporaryFolder folder;
  write_set(folder.path(), SetFormat::kVoc, full_set());
  put_image(folder / "JPEGImages/b.png");
  const FoundSet found = read_set(folder.path());
  EXPECT_EQ(found.format, SetFormat::kVoc);
  EXPECT_EQ(found.source, folder / "Annotations");
  EXPECT_EQ(found.set.images, folder / "JPEGImages");
  EXPECT_EQ(found.set.annotations, full_set());
}

TEST(ReadSet, NamesThePartsOfAYoloSet) {
  const TemporaryFolder folder;
  const fs::path set = folder / "set";
  for (const char* part : {"train", "valid"}) {
    fs::create_directories(set / part / "labels");
    fs::create_directories(set / part / "images");
  }
  write_file_atomically(set / "data.yaml", std::string("train: ../train/images\n"));
  for (const fs::path& given : {set, set / "data.yaml"}) {
    EXPECT_THAT(error_of([&] { read_set(given); }).what(),
                HasSubstr("; give one of its parts: " + (set / "train").string() + ", " +
                          (set / "valid").string()));
  }
  fs::create_directories(folder / "flat/labels");
  fs::create_directories(folder / "flat/images");
  write_file_atomically(folder / "flat/data.yaml", std::string("path: .\n"));
  EXPECT_THAT(error_of([&] { read_set(folder / "flat/data.yaml"); }).what(),
              HasSubstr("labels/ and images/: " + (folder / "flat").string()));
}

TEST(ReadSet, SaysWhatItExpected) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_set(folder / "none"); }).code(), ErrorCode::kNotFound);
  const Error nothing = error_of([&] { read_set(folder.path()); });
  EXPECT_EQ(nothing.code(), ErrorCode::kNotFound);
  EXPECT_THAT(nothing.what(), HasSubstr("expected annotations: label.txt, wider_face_*"));
  write_file_atomically(folder / "story.txt", std::string("Once upon a time\nthere was\n"));
  const Error story = error_of([&] { read_set(folder / "story.txt"); });
  EXPECT_EQ(story.code(), ErrorCode::kBadData);
  EXPECT_THAT(story.what(), HasSubstr("story.txt:1: expected annotations"));
}

TEST(WriteSet, NamesTheFolderThatCannotBeMade) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string("in the way"));
  for (const SetFormat format : {SetFormat::kLabelTxt, SetFormat::kVoc}) {
    const Error error = error_of([&] { write_set(folder / "file/below/x", format, full_set()); });
    EXPECT_EQ(error.code(), ErrorCode::kUnwritable);
    EXPECT_THAT(error.what(), HasSubstr((folder / "file").string()));
  }
}

TEST(WriteSet, RefusesPathsThatWouldNotComeBack) {
  const TemporaryFolder folder;
  for (const SetFormat format : {SetFormat::kLabelTxt, SetFormat::kWider, SetFormat::kVoc}) {
    for (const char* path :
         {"", " a.jpg", "a.jpg ", "a.jpg\n# b.jpg", "a\x01.jpg", "\xEF\xBB\xBF.jpg"}) {
      const Error error = error_of([&] { write_set(folder / "out", format, {{path, {}}}); });
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << path;
    }
  }
  EXPECT_EQ(error_of([&] {
              write_set(folder / "gt", SetFormat::kWider, {{"12 34", {}}});
            }).code(),
            ErrorCode::kUnsupported);
  EXPECT_EQ(error_of([&] {
              write_set(folder / "json", SetFormat::kCoco, {{"a\xFF.jpg", {}}});
            }).code(),
            ErrorCode::kUnsupported);
}

TEST(WriteSet, SaysWhatIsLost) {
  AnnotationSet set = full_set();
  EXPECT_THAT(lost_in(SetFormat::kLabelTxt, set), ::testing::IsEmpty());
  EXPECT_THAT(lost_in(SetFormat::kCoco, set), ::testing::IsEmpty());
  EXPECT_THAT(lost_in(SetFormat::kWider, set),
              ::testing::ElementsAre("the points of 1 face", "the quality of 1 face"));
  set[1].faces[0].box_is_estimate = true;
  EXPECT_THAT(lost_in(SetFormat::kLabelTxt, set), ::testing::SizeIs(1));
  EXPECT_THAT(lost_in(SetFormat::kVoc, set), ::testing::IsEmpty());
}

}  // namespace
}  // namespace retinaface::dataset
