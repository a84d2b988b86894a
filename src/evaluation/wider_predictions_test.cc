#include "evaluation/wider_predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryFolder;

class WiderPredictions : public ::testing::Test {
 protected:
  std::vector<Detection> read(const std::string& content) const {
    write_file_atomically(folder_ / "p.txt", content);
    return read_wider_predictions(folder_ / "p.txt");
  }

  std::string complaint(const std::string& content) const {
    const Error error = error_of([&] { read(content); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    return error.what();
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(WiderPredictions, AreReadInTheFormsThatDetectorsWrite) {
  const Detection first{{1, 2, 3, 4}, 0.5};
  const Detection second{{-1.5, 20, 3e1, 4}, 0.25};
  EXPECT_THAT(read("0--A/x\n2\n1 2 3 4 0.5\n-1.5 20 3e1 4 .25\n"), ElementsAre(first, second));
  EXPECT_THAT(read("x\r\n1\r\n1 2 3 4 0.5 \r\n"), ElementsAre(first));
  EXPECT_THAT(read("x\n1\n1\t2  3 4 0.5 7 8 9"), ElementsAre(first));
  EXPECT_THAT(read("x\n0\n"), IsEmpty());
  EXPECT_THAT(read("\n1\n1 2 3 4 0.5\n\n"), ElementsAre(first));
}

TEST_F(WiderPredictions, NameTheMalformedLine) {
  EXPECT_THAT(complaint("x\n1\n1 2 3 4\n"), HasSubstr("p.txt:3: "));
  EXPECT_THAT(complaint("x\n2\n1 2 3 4 0.5\n1 2 three 4 0.5\n"),
              EndsWith("p.txt:4: expected x, y, width, height and score, found '1 2 three 4 0.5'"));
  EXPECT_THAT(complaint("x\n1\n1 2 3 4 nan\n"), HasSubstr(":3: "));
  EXPECT_THAT(complaint("x\n1\n1 2 3 4 1e999\n"), HasSubstr(":3: "));
  EXPECT_THAT(complaint("x\nmany\n"), HasSubstr(":2: "));
  EXPECT_THAT(complaint("x\n-1\n"), HasSubstr(":2: "));
  EXPECT_THAT(complaint("x\n3\n1 2 3 4 0.5\n"),
              HasSubstr("expected 3 detections to follow, found 1"));
  EXPECT_THAT(complaint("x\n99999999999999999\n"), HasSubstr("found 0"));
  EXPECT_THAT(complaint("x\n0\n1 2 3 4 0.5\n"), HasSubstr(":2: "));
  EXPECT_THAT(complaint(""), HasSubstr(":2: "));
  EXPECT_THAT(complaint("x"), HasSubstr(":2: "));
}

TEST_F(WiderPredictions, AreReadAsWritten) {
  const Face faces[] = {{0.987654F, {10.25F, 20.5F, 30.75F, 50.0F}, {}},
                        {0.02F, {-3.0F, 0.0F, 4.0F, 8.0F}, {}}};
  const auto detections = to_wider(faces);
  EXPECT_THAT(detections[0].box, (WiderBox{10.25, 20.5, 20.5, 29.5}));
  const auto again = read(format_wider_predictions("0--A/x", detections));
  ASSERT_EQ(again.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again[i].box, detections[i].box);
    EXPECT_NEAR(again[i].score, detections[i].score, 5e-6);
  }
}

}  // namespace
}  // namespace retinaface::evaluation
