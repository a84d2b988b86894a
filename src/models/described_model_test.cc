#include "models/described_model.h"

#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::models {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What a row of the catalogue is described by.
Metadata described_row() {
  const Model& row = find_model("mnet025");
  return describe(row, row.network.build());
}

/// What is said of that with `from` changed to `to` under `key`.
std::string complaint(const char* key, const std::string& from, const std::string& to) {
  Metadata metadata = described_row();
  std::string& text = metadata.at(key);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << text;
  text.replace(at, from.size(), to);
  return error_of([&] { described_model(metadata, "file"); }).what();
}

TEST(DescribedModel, IsTheOneThatWasDescribed) {
  const Model& row = find_model("mnet025");
  const auto model = described_model(described_row(), "file");
  EXPECT_EQ(model->name, row.name);
  EXPECT_EQ(model->detector().anchors, row.detector().anchors);
  ASSERT_EQ(model->detector().heads.size(), row.detector().heads.size());
  for (std::size_t h = 0; h < row.detector().heads.size(); ++h) {
    EXPECT_EQ(model->detector().heads[h].name, row.detector().heads[h].name);
    EXPECT_EQ(model->detector().heads[h].values, row.detector().heads[h].values);
    EXPECT_EQ(model->detector().heads[h].meaning, row.detector().heads[h].meaning);
  }
}

TEST(DescribedModel, RefusesPartsOfWholeNumbers) {
  EXPECT_THAT(complaint("anchors", "\"stride\":8", "\"stride\":8.7"),
              AllOf(StartsWith("file: anchors: "), HasSubstr("whole number from 1 to 256"),
                    HasSubstr("8.7")));
  EXPECT_THAT(complaint("heads", "\"values\":4", "\"values\":4.5"), HasSubstr("whole number"));
}

TEST(DescribedModel, RefusesHeadsOfNoKnownMeaningOrOfOtherWidths) {
  EXPECT_THAT(complaint("heads", "\"meaning\":\"box\"", "\"meaning\":\"oval\""),
              HasSubstr("no head means 'oval'"));
  EXPECT_THAT(complaint("heads", "\"values\":4", "\"values\":5"), HasSubstr("'box' has 5 values"));
  EXPECT_THAT(complaint("heads", "\"values\":2", "\"values\":3"), HasSubstr("'cls' has 3 values"));
}

TEST(HeadKinds, HoldEveryMeaningAndTheFaceHeadsWidths) {
  for (const Head& head : face_heads()) {
    EXPECT_EQ(head.values, kind_of(head.meaning).max_values) << head.name;
  }
  EXPECT_EQ(kind_of(HeadMeaning::kValues).name, std::string("values"));
  EXPECT_EQ(std::size(kHeadKinds), 4U);
}

}  // namespace
}  // namespace retinaface::models
