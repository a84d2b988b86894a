#include "dataset/voc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "dataset/testing.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

VocImage parse(const std::string& text) {
  return parse_voc(std::as_bytes(std::span(text)), "a.xml");
}

std::string object(const std::string& name, const std::string& more = "") {
  return "<object><name>" + name +
         "</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>20</xmax><ymax>10</ymax></bndbox>" +
         more + "</object>";
}

std::string file(const std::string& content) {
  return "<annotation><filename>a.jpg</filename>" + content + "</annotation>";
}

TEST(Voc, ReadsAHandWrittenFile) {
  const VocImage image = parse(R"(<?xml version="1.0"?>
<annotation>
  <folder>VOC2012</folder>
  <filename> 2007_000027.jpg </filename>
  <size><width>486</width><height>500</height><depth>3</depth></size>
  <object>
    <name>person</name>
    <bndbox><xmax>349</xmax><ymax>351</ymax><xmin>174</xmin><ymin>101</ymin></bndbox>
    <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
  </object>
  <object>
    <name>face</name><difficult>1</difficult>
    <bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>486</xmax><ymax>500</ymax></bndbox>
  </object>
</annotation>)");
  EXPECT_EQ(image.image.path, "2007_000027.jpg");
  EXPECT_EQ(image.image.width, 486);
  EXPECT_EQ(image.image.height, 500);
  EXPECT_EQ(image.categories, (std::vector<std::string>{"person", "face"}));
  ASSERT_EQ(image.image.faces.size(), 2U);
  EXPECT_EQ(image.image.faces[0], (AnnotatedFace{.box = {173, 100, 349, 351}}));
  // From the first to the last pixel: as wide as the image.
  EXPECT_EQ(image.image.faces[1], (AnnotatedFace{.box = {0, 1.5F, 486, 500}, .ignored = true}));
}

TEST(Voc, ReadsTheFacesOfAFolder) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "9--Press");
  write_file_atomically(folder / "b.xml", file(object("face") + object("hand")));
  write_file_atomically(folder / "9--Press" / "a.xml", file(object("hand") + object("face")));
  write_file_atomically(folder / "readme.txt", std::string("no XML"));
  const AnnotationSet set = read_voc(folder.path());
  ASSERT_EQ(set.size(), 2U);
  EXPECT_EQ(set[0].path, "9--Press/a.jpg");
  EXPECT_EQ(set[1].path, "a.jpg");
  for (const AnnotatedImage& image : set) {
    ASSERT_EQ(image.faces.size(), 1U);
    EXPECT_EQ(image.faces[0].box, (Box{0, 0, 20, 10}));
  }

  EXPECT_EQ(read_voc(folder.path(), {"hand"})[0].faces.size(), 1U);
  EXPECT_EQ(read_voc(folder.path(), {"hand", "face"})[0].faces.size(), 2U);
  EXPECT_THAT(error_of([&] { read_voc(folder.path(), {"head"}); }).what(),
              HasSubstr("expected the category 'head', found face, hand"));
}

TEST(Voc, WrittenSetIsReadBack) {
  AnnotationSet set = full_set();
  set[0].path = "0--Parade/Tom & <Jerry>.jpg";
  set[1].faces[0].box_is_estimate = true;
  const TemporaryFolder folder;
  write_files(formatted_voc(folder.path(), set));
  EXPECT_TRUE(std::filesystem::exists(folder / "0--Parade/Tom & <Jerry>.xml"));
  EXPECT_EQ(read_voc(folder.path()), set);
}

TEST(Voc, RefusesPathsThatLeaveTheFolderOrShareAFile) {
  const TemporaryFolder folder;
  for (const char* path : {"../a.jpg", "/tmp/a.jpg", "a/../../b.jpg", "a/"}) {
    const Error error = error_of([&] { formatted_voc(folder / "out", {{path, {}}}); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData) << path;
  }
  EXPECT_THAT(
      error_of([&] {
        formatted_voc(folder / "out", {{"a.jpg", {}}, {"a.png", {}}});
      }).what(),
      HasSubstr("a.xml: expected one image for this file, found two: a.jpg and a.png; rename"));
}

TEST(Voc, ErrorsNameFileAndLine) {
  const auto complaint = [](const std::string& text) {
    const Error error = error_of([&] { parse(text); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData) << text;
    return std::string(error.what());
  };
  EXPECT_THAT(complaint(""), HasSubstr("a.xml:0: expected XML"));
  EXPECT_THAT(complaint("<annotation>\n\n<object></annotation>"),
              HasSubstr("a.xml:3: expected XML"));
  EXPECT_THAT(complaint("<annotations/>"), HasSubstr("a.xml: expected VOC's element <annotation>"));
  EXPECT_THAT(complaint("\n<annotation/>"), HasSubstr("a.xml:2: expected <filename>"));
  EXPECT_THAT(complaint("<annotation><filename/></annotation>"),
              HasSubstr("expected text in <file"));
  EXPECT_THAT(complaint(file("\n<object><name>face</name></object>")),
              HasSubstr("a.xml:2: expected <bndbox> in <object>"));
  EXPECT_THAT(
      complaint(file("<object><name>face</name><bndbox><xmin>one</xmin></bndbox></object>")),
      HasSubstr("a.xml:1: expected a number in <xmin>, found 'one'"));
  EXPECT_THAT(complaint(file("\n\n<size><width>-5</width><height>1</height></size>")),
              HasSubstr("a.xml:3: expected a side in whole pixels, found -5"));
  EXPECT_THAT(complaint(file(object("face", "<retinaface><point state='new'/></retinaface>"))),
              HasSubstr("expected 5 points, found 1"));
  EXPECT_THAT(complaint(file(object("face", "<retinaface><quality>0</quality></retinaface>"))),
              HasSubstr("expected <quality> to be a whole number from 1 to 5"));
}

}  // namespace
}  // namespace retinaface::dataset
