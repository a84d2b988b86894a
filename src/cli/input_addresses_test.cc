#include "cli/input_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::cli {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> problems(const std::vector<std::string>& arguments, bool takes_streams) {
  std::vector<pipeline::Input> inputs = pipeline::find_inputs(arguments);
  explain_addresses(inputs, takes_streams);
  std::vector<std::string> texts;
  for (const pipeline::Input& input : inputs) texts.push_back(input.problem);
  return texts;
}

TEST(InputAddresses, OfFilesAreGivenAsPaths) {
  for (const bool takes_streams : {true, false}) {
    EXPECT_THAT(problems({"file:///x/a.jpg"}, takes_streams).at(0),
                HasSubstr("without file://: /x/a.jpg"));
  }
}

TEST(InputAddresses, OfStreamsAreReadWhereVideosAre) {
  const std::vector<std::string> addresses = {"rtsp://camera/1", "https://host/a.mp4"};
  for (const std::string& problem : problems(addresses, true)) EXPECT_EQ(problem, "");
  for (const std::string& problem : problems(addresses, false)) {
    EXPECT_THAT(problem, HasSubstr("download it first"));
  }
}

TEST(InputAddresses, PathsAreNone) {
  for (const std::string& problem : problems({"a.jpg", "a:b/c.png"}, false)) EXPECT_EQ(problem, "");
}

}  // namespace
}  // namespace retinaface::cli
