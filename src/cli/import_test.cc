#include "interchange/import.h"

#include "cli/command.h"
#include "models/load_model.h"
#include "support/testing.h"

namespace retinaface::cli {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

int run_import(const std::vector<std::string>& arguments) {
  CLI::App app;
  const Action action = declare_import(app);
  app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  return action();
}

TEST(ImportCommand, WritesAModelThatLoads) {
  const TemporaryFolder folder;
  const models::LoadedModel builtin = models::load_builtin_model(models::kDefaultModel);
  graph::Weights bare{{}, {}};
  for (const auto& [name, tensor] : builtin.weights.tensors) {
    bare.tensors.emplace("module." + name, tensor.clone());
  }
  graph::write_safetensors(folder / "bare", bare);

  const std::string checkpoint = folder / "bare";
  const std::string output = folder / "whole.safetensors";
  EXPECT_EQ(run_import({checkpoint, "-o", output}), kSuccess);
  EXPECT_EQ(models::load_model(output).model->name, "mnet025");

  EXPECT_EQ(run_import({checkpoint, "-o", output, "--model", "mnet025", "--part", "backbone"}),
            kSuccess);
  const graph::Weights backbone = graph::read_safetensors(output);
  EXPECT_EQ(backbone.metadata.at("part"), "backbone");
  EXPECT_EQ(backbone.tensors.size(), 135U);
}

TEST(ImportCommand, WritesNothingWhenItFails) {
  const TemporaryFolder folder;
  const std::string detector = testing::fixture_folder() / "checkpoints/detector_legacy.pth";
  const std::string output = folder / "x.safetensors";
  EXPECT_THAT(error_of([&] {
                run_import({detector, "-o", output});
              }).what(),
              HasSubstr("detector_legacy.pth: the tensors are not those of mnet025"));
  EXPECT_EQ(error_of([&] {
              run_import({detector, "-o", output, "--model", "none"});
            }).code(),
            ErrorCode::kNotFound);
  EXPECT_THROW(run_import({detector, "-o", output, "--part", "head"}), UsageError);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace retinaface::cli
