#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface::cli {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

int run_summary(const std::vector<std::string>& arguments) {
  CLI::App app;
  const Action action = declare_summary(app);
  app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  return action();
}

TEST(SummaryCommand, WritesForPrograms) {
  const TemporaryFolder folder;
  const std::string path = folder / "summary.json";
  const auto summary = [&](const std::string& model) {
    EXPECT_EQ(run_summary({model, "--size", "640x640", "--json", path}), kSuccess);
    return nlohmann::json::parse(testing::content_of(path));
  };
  const auto resnet = summary("resnet50");
  EXPECT_EQ(resnet["anchors"], 102'300);
  EXPECT_EQ(
      resnet["layers"][0],
      nlohmann::json::parse(R"({"name": "image", "op": "Input", "shape": [1, 3, 640, 640]})"));
  EXPECT_EQ(resnet["layers"][1], nlohmann::json::parse(R"({"name": "body.conv1",
                                     "op": "Convolution", "shape": [1, 64, 320, 320]})"));
  const auto deformable = summary("resnet50+dcn+shared-heads");
  EXPECT_GT(deformable["macs"], resnet["macs"]);
  const std::int64_t shared_heads = 4 * 3 * (2 + 4 + 10) * 257;
  const std::int64_t offsets = 27 * (9 * (256 * 13 + 64 * 15) + 28);
  EXPECT_EQ(deformable["parameters"].get<std::int64_t>(),
            resnet["parameters"].get<std::int64_t>() + offsets - shared_heads);
  EXPECT_EQ(error_of([&] {
              run_summary({"mnet025", "--json", folder / "none" / "x"});
            }).code(),
            ErrorCode::kUnwritable);
}

}  // namespace
}  // namespace retinaface::cli
