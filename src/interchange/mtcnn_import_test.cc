#include "interchange/mtcnn_import.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "graph/weights.h"
#include "models/mtcnn.h"
#include "support/testing.h"

namespace retinaface::interchange {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// Weights of the public form: fully connected layers as matrices.
graph::Weights public_form() {
  graph::Weights weights;
  for (const models::SizedNetwork& network : models::networks_of(models::mtcnn(), 1, 1)) {
    graph::Weights own = graph::random_weights(network.graph, 4);
    weights.tensors.merge(own.tensors);
  }
  for (auto& [name, tensor] : weights.tensors) {
    const bool matrix = name.find(".fc") != std::string::npos && name.ends_with(".weight");
    if (matrix) tensor.shape = {tensor.shape[0], tensor.shape[1] * 9};
  }
  for (const char* const head :
       {"rnet.cls", "rnet.box", "onet.cls", "onet.box", "onet.landmarks"}) {
    weights.tensors.at(std::string(head) + ".weight").shape.resize(2);
  }
  return weights;
}

class MtcnnImportTest : public ::testing::Test {
 protected:
  models::LoadedModel import(const graph::Weights& weights) {
    graph::write_safetensors(file_, weights);
    return import_mtcnn(read_checkpoint(file_));
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "mtcnn.safetensors";
};

TEST_F(MtcnnImportTest, MakesAModelFile) {
  const graph::Weights weights = public_form();
  const models::LoadedModel model = import(weights);
  EXPECT_TRUE(is_mtcnn(read_checkpoint(file_)));
  graph::write_safetensors(folder_ / "model.safetensors", model.weights);
  const models::LoadedModel again = models::load_model(folder_ / "model.safetensors");
  ASSERT_TRUE(again.model->find_cascade());
  EXPECT_EQ(again.model->find_cascade()->stages.size(), 2U);
  EXPECT_EQ(again.model->find_cascade()->scale_step, models::mtcnn().find_cascade()->scale_step);
  EXPECT_EQ(again.model->network.preprocessing.mean, (std::array{127.5F, 127.5F, 127.5F}));
  const auto values = [](const graph::Weights& from, const char* name) {
    return from.tensors.at(name).values();
  };
  // Fully connected layers are the convolutions of the same elements; the first layers divide.
  EXPECT_EQ(again.weights.tensors.at("onet.fc5.weight").shape,
            (std::vector<std::int64_t>{256, 128, 3, 3}));
  EXPECT_TRUE(std::ranges::equal(values(again.weights, "onet.fc5.weight"),
                                 values(weights, "onet.fc5.weight")));
  for (const char* const name : {"pnet.conv1.weight", "rnet.conv1.weight", "onet.conv1.weight"}) {
    EXPECT_EQ(values(again.weights, name)[5], values(weights, name)[5] / 128);
  }
  EXPECT_EQ(values(again.weights, "pnet.conv1.bias")[5], values(weights, "pnet.conv1.bias")[5]);
}

TEST_F(MtcnnImportTest, NamesWhatDoesNotFit) {
  graph::Weights weights = public_form();
  weights.tensors.erase("onet.fc5.bias");
  weights.tensors.at("rnet.fc4.weight").shape = {576, 128};
  EXPECT_THAT(error_of([&] { import(weights); }).what(),
              ::testing::AllOf(HasSubstr("the tensors are not those of MTCNN"),
                               HasSubstr("missing: onet.fc5.bias"),
                               HasSubstr("rnet.fc4.weight is (576, 128)")));
}

TEST_F(MtcnnImportTest, TakesNoModelFileTwice) {
  const models::LoadedModel model = import(public_form());
  EXPECT_THAT(error_of([&] { import(model.weights); }).what(),
              HasSubstr("found a model, which needs no import"));
}

}  // namespace
}  // namespace retinaface::interchange
