#include "server/multipart.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::server {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kForm =
    "--xy\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\n"
    "Content-Type: image/jpeg\r\n\r\none\r\n--x\r\n"
    "\r\n--xy\t \r\ncontent-disposition: form-data; name=image\r\n\r\n\r\n--xy--\r\nepilogue";

TEST(Multipart, HasItsParts) {
  const std::vector<FormPart> parts = parse_multipart(kForm, "xy");
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_EQ(parts[0].name, "image");
  EXPECT_EQ(parts[0].filename, "a.jpg");
  EXPECT_EQ(parts[0].content, "one\r\n--x\r\n");
  EXPECT_EQ(parts[1].name, "image");
  EXPECT_EQ(parts[1].filename, "");
  EXPECT_EQ(parts[1].content, "");
  EXPECT_THAT(parse_multipart("preamble\r\n" + kForm, "xy"), SizeIs(2));
  EXPECT_THAT(parse_multipart("--xy--", "xy"), IsEmpty());
  EXPECT_EQ(parse_multipart("--b\r\n\r\nx\r\n--b--", "b")[0].content, "x");
}

TEST(Multipart, CutAnywhereItIsAnError) {
  const std::size_t end = kForm.find("--xy--") + 6;
  for (std::size_t size = 0; size < end; ++size) {
    const Error error = error_of([&] { parse_multipart(kForm.substr(0, size), "xy"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData) << size;
    EXPECT_THAT(error.what(), HasSubstr("multipart body: ")) << size;
  }
}

TEST(Multipart, SoManyPartsAndNoMore) {
  std::string form;
  const std::string part = "--b\r\n\r\n\r\n";
  for (std::size_t i = 0; i < kMaxFormParts; ++i) form += part;
  EXPECT_THAT(parse_multipart(form + "--b--", "b"), SizeIs(kMaxFormParts));
  const Error error = error_of([&] { parse_multipart(form + part + "--b--", "b"); });
  EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
}

TEST(Multipart, HeadersAreBounded) {
  const std::string form = "--b\r\nX: " + std::string(10000, 'x') + "\r\n\r\n\r\n--b--";
  EXPECT_EQ(error_of([&] { parse_multipart(form, "b"); }).code(), ErrorCode::kBadData);
  EXPECT_EQ(error_of([] { parse_multipart("--b\r\nno colon\r\n\r\n\r\n--b--", "b"); }).code(),
            ErrorCode::kBadData);
}

TEST(Multipart, ItsBoundaryStandsInTheType) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=\"a b\""), "a b");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data; Boundary=xy"), "xy");
  EXPECT_FALSE(multipart_boundary("image/jpeg"));
  EXPECT_FALSE(multipart_boundary("multipart/mixed; boundary=a"));
  for (const std::string& text :
       {std::string("multipart/form-data"), std::string("multipart/form-data; boundary="),
        "multipart/form-data; boundary=" + std::string(71, 'x')}) {
    EXPECT_EQ(error_of([&] { multipart_boundary(text); }).code(), ErrorCode::kBadData) << text;
  }
}

}  // namespace
}  // namespace retinaface::server
