#include "models/model_files.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/weights.h"
#include "models/load_model.h"
#include "support/testing.h"

namespace retinaface::models {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

/// Works in an empty folder, with another one as $RETINAFACE_MODELS.
class ModelFiles : public ::testing::Test {
 protected:
  ModelFiles() {
    fs::current_path(elsewhere_.path());
    ::setenv("RETINAFACE_MODELS", chosen_.path().c_str(), 1);
  }
  ~ModelFiles() override {
    ::unsetenv("RETINAFACE_MODELS");
    fs::current_path(before_);
  }

  /// Writes weights of the row `row` as `name`.safetensors into $RETINAFACE_MODELS.
  void write(const std::string& name, std::string_view row) const {
    const Model& model = find_model(row);
    graph::Weights weights = graph::random_weights(model.network.build(), 1);
    weights.metadata = metadata(model);
    write_safetensors(chosen_ / (name + ".safetensors"), weights);
  }

  static fs::path source_weights() {
    return fs::weakly_canonical(testing::sample_folder() / ".." / "weights");
  }
  const testing::TemporaryFolder& chosen() const { return chosen_; }

 private:
  fs::path before_ = fs::current_path();
  testing::TemporaryFolder chosen_;
  testing::TemporaryFolder elsewhere_;
};

TEST_F(ModelFiles, FoldersAreTheChosenTheBuildTreesAndTheInstalled) {
  const auto folders = model_folders();
  ASSERT_EQ(folders.size(), 3U);
  EXPECT_EQ(folders[0], chosen().path());
  EXPECT_EQ(fs::weakly_canonical(folders[1]), source_weights());
  EXPECT_THAT(folders[2].string(), ::testing::EndsWith("/share/retinaface/models"));
  ::unsetenv("RETINAFACE_MODELS");
  EXPECT_EQ(model_folders().size(), 2U);
}

TEST_F(ModelFiles, EveryFileInWeightsIsFoundByItsName) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(source_weights())) {
    if (entry.path().extension() != ".safetensors") continue;
    const auto file = find_model_file(entry.path().stem().string());
    ASSERT_TRUE(file) << entry.path();
    EXPECT_TRUE(fs::equivalent(*file, entry.path()));
    ++found;
  }
  EXPECT_GE(found, 1);
}

TEST_F(ModelFiles, TheChosenFolderComesFirst) {
  write("mnet025", "mnet025");
  EXPECT_EQ(find_model_file("mnet025"), chosen() / "mnet025.safetensors");
  EXPECT_EQ(find_model_file("mnet999"), std::nullopt);
}

TEST_F(ModelFiles, ModelsLoadByName) {
  write("mnet025-light", "mnet025-light");
  EXPECT_EQ(load_model_by_name_or_path("mnet025-light").model, &find_model("mnet025-light"));
  write("mine", "mnet025-light");
  EXPECT_EQ(load_model_by_name_or_path("mine").model, &find_model("mnet025-light"));
}

TEST_F(ModelFiles, TheFileOfAModelIsWhatItIsLoadedFrom) {
  write("mine", "mnet025-light");
  EXPECT_EQ(file_of_model("mine"), chosen() / "mine.safetensors");
  EXPECT_EQ(load_model_by_name_or_path("mine").source, *file_of_model("mine"));
  fs::copy_file(chosen() / "mine.safetensors", "here");
  EXPECT_EQ(file_of_model("here"), "here");
  EXPECT_EQ(load_model_by_name_or_path("here").source, "here");
  EXPECT_EQ(file_of_model("./none.safetensors"), "./none.safetensors");
  EXPECT_EQ(file_of_model(std::string(kDefaultModel)), std::nullopt);  // inside the library
  EXPECT_EQ(file_of_model("none"), std::nullopt);
}

TEST_F(ModelFiles, ARowsNameHasTheRowsWeights) {
  write("resnet18", "mnet025");
  const Error error = error_of([] { load_model_by_name_or_path("resnet18"); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_EQ(error.what(), (chosen() / "resnet18.safetensors").string() +
                              ": expected the model resnet18, as its name says, found one of "
                              "mnet025");
}

TEST_F(ModelFiles, SaysWhereItLookedAndWhatHelps) {
  for (const char* name : {"resnet50", "mnet052"}) {
    const Error error = error_of([&] { load_model_by_name_or_path(name); });
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    for (const fs::path& folder : model_folders()) {
      EXPECT_THAT(error.what(), HasSubstr(folder.string()));
    }
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("'" + std::string(name) + "'"), HasSubstr("the path of a file")));
  }
  EXPECT_THAT(error_of([] { load_model_by_name_or_path("resnet50"); }).what(),
              AllOf(HasSubstr("`retinaface import`"), HasSubstr("`retinaface train`")));
}

TEST_F(ModelFiles, AFolderOfTheSameNameIsNoModel) {
  fs::create_directory("resnet50");  // as a training's output may be called
  EXPECT_THAT(error_of([] { load_model_by_name_or_path("resnet50"); }).what(),
              HasSubstr("no weights of the model 'resnet50'"));
}

}  // namespace
}  // namespace retinaface::models
