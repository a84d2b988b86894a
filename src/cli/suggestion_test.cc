#include "cli/suggestion.h"

#include <gtest/gtest.h>

namespace retinaface::cli {
namespace {

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("detect", "detect"), 0);
  EXPECT_EQ(edit_distance("detct", "detect"), 1);
  EXPECT_EQ(edit_distance("dtetect", "detect"), 1);
  EXPECT_EQ(edit_distance("detetc", "detect"), 1);  // exchanged
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("ca", "abc"), 3);  // optimal string alignment, not Damerau's 2
}

TEST(Suggestion, IsTheNearestKnownWord) {
  const std::string known[] = {"detect", "evaluate", "import", "summary"};
  EXPECT_EQ(suggestion("detct", known), "detect");
  EXPECT_EQ(suggestion("eval", known), "evaluate");
  EXPECT_EQ(suggestion("sumary", known), "summary");
  EXPECT_EQ(suggestion("xyz", known), std::nullopt);
  EXPECT_EQ(suggestion("", known), std::nullopt);
  const std::string options[] = {"--model", "--port"};
  EXPECT_EQ(suggestion("--modle", options), "--model");
  EXPECT_EQ(suggestion("--codec", options), std::nullopt);
  EXPECT_EQ(suggestion("--host", options), std::nullopt);
  EXPECT_EQ(suggestion(std::string(100000, 'd'), known), std::nullopt);
}

}  // namespace
}  // namespace retinaface::cli
