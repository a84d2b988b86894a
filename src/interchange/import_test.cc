#include "interchange/import.h"

#include <array>
#include <cstring>

#include "models/load_model.h"
#include "support/testing.h"
#include "support/torch_writer.h"

namespace retinaface::interchange {
namespace {

using ::testing::AllOf;
using testing::as_bytes;
using testing::data_folder;
using ::testing::Each;
using testing::error_of;
using testing::fixture_folder;
using ::testing::HasSubstr;
using ::testing::Key;
using testing::PickleWriter;
using ::testing::StartsWith;
using testing::torch_file;
using testing::TorchFile;

/// The network of tests/make_checkpoint_fixtures.py.
graph::Graph small_graph() {
  graph::Graph graph;
  const auto image = graph.add("image", graph::Input{}, {});
  const auto conv =
      graph.add("body.0", graph::Convolution{.out_channels = 2, .kernel = 3}, {image});
  const auto norm = graph.add("body.1", graph::BatchNorm{}, {conv});
  graph.add_output("head",
                   graph.add("head", graph::Convolution{.out_channels = 4, .bias = true}, {norm}));
  return graph;
}

models::Model small_model() {
  return {.name = "small",
          .summary = "",
          .network = {.build = small_graph, .preprocessing = {}},
          .purpose = {}};
}

/// The i-th tensor of a state dict counts up from i there; counters of batches have an i as well.
void expect_counting(const graph::Weights& weights, const std::string& name, int first) {
  const graph::Tensor& tensor = weights.at(name);
  for (std::size_t i = 0; i < tensor.values().size(); ++i) {
    EXPECT_EQ(tensor.values()[i], static_cast<float>(first) + static_cast<float>(i)) << name;
  }
}

TEST(Import, TakesAWholeDetectorWithOrWithoutPrefixAndWrapper) {
  for (const char* const file : {"detector_legacy.pth", "detector_wrapped.pth"}) {
    SCOPED_TRACE(file);
    const graph::Weights weights =
        import_checkpoint(fixture_folder() / "checkpoints" / file, small_model(), Part::kWhole);
    EXPECT_EQ(weights.tensors.size(), 7U);
    EXPECT_EQ(weights.metadata, models::metadata(small_model()));
    expect_counting(weights, "body.0.weight", 0);
    expect_counting(weights, "body.1.running_var", 4);
    expect_counting(weights, "head.weight", 6);
    expect_counting(weights, "head.bias", 7);
  }
}

TEST(Import, TakesTheBackboneOfAClassifierOrDetector) {
  for (const char* const file : {"classifier_legacy.tar", "detector_wrapped.pth"}) {
    SCOPED_TRACE(file);
    const graph::Weights weights =
        import_checkpoint(fixture_folder() / "checkpoints" / file, small_model(), Part::kBackbone);
    EXPECT_EQ(weights.tensors.size(), 5U);
    EXPECT_THAT(weights.tensors, Each(Key(StartsWith("body."))));
    EXPECT_EQ(weights.metadata.at("part"), "backbone");
    expect_counting(weights, "body.0.weight", 0);
    expect_counting(weights, "body.1.running_mean", 3);
  }
}

TEST(Import, NamesEveryTensorThatDoesNotFit) {
  const auto message = [](const char* file, Part part) {
    return std::string(error_of([&] {
                         import_checkpoint(fixture_folder() / "checkpoints" / file, small_model(),
                                           part);
                       }).what());
  };
  EXPECT_THAT(message("classifier_legacy.tar", Part::kWhole),
              AllOf(HasSubstr("classifier_legacy.tar: the tensors are not those of small"),
                    HasSubstr("missing: body.0.weight, body.1.weight"), HasSubstr("2 more"),
                    HasSubstr("not in the model: 0.weight, 1.bias"), HasSubstr("2 more")));
  EXPECT_THAT(message("odd_zip_2.pth", Part::kBackbone),
              AllOf(HasSubstr("those of the backbone of small; missing: body.0.weight"),
                    HasSubstr("body.bfloat16")));
  const auto mnet = models::find_model("mnet025");
  EXPECT_THAT(error_of([&] {
                import_checkpoint(fixture_folder() / "checkpoints/detector_legacy.pth", mnet,
                                  Part::kWhole);
              }).what(),
              HasSubstr("not in the model: body.0.weight, body.1.bias"));
}

void expect_same_tensors(const graph::Weights& actual, const graph::Weights& expected) {
  ASSERT_EQ(actual.tensors.size(), expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    SCOPED_TRACE(name);
    const graph::Tensor& other = actual.at(name);
    EXPECT_EQ(other.shape, tensor.shape);
    EXPECT_EQ(std::memcmp(other.values().data(), tensor.values().data(),
                          tensor.values().size() * sizeof(float)),
              0);
  }
}

TEST(Import, KeepsEveryBitOfADetector) {
  const models::Model& model = models::find_model("mnet025");
  const graph::Weights weights = graph::random_weights(model.network.build(), 1);
  for (const std::string& content :
       {torch_file(weights).legacy(), torch_file(weights, "module.").zip()}) {
    const PyTorchCheckpoint checkpoint = parse_checkpoint(as_bytes(content), "file");
    EXPECT_EQ(&model_of(checkpoint, Part::kWhole), &model);
    EXPECT_EQ(&model_of(checkpoint, Part::kBackbone), &model);
    expect_same_tensors(import_checkpoint(checkpoint, model, Part::kWhole), weights);
  }
}

TEST(Import, GivesASafetensorsFileTheModelsMetadata) {
  const models::Model& model = models::find_model("mnet025");
  const testing::TemporaryFolder folder;
  const graph::Weights weights = graph::random_weights(model.network.build(), 2);
  graph::write_safetensors(folder / "bare", weights);
  EXPECT_THAT(error_of([&] { models::load_model(folder / "bare"); }).what(),
              HasSubstr("names no model"));
  graph::write_safetensors(folder / "full",
                           import_checkpoint(folder / "bare", model, Part::kWhole));
  expect_same_tensors(models::load_model(folder / "full").weights, weights);

  graph::write_safetensors(folder / "backbone",
                           import_checkpoint(folder / "bare", model, Part::kBackbone));
  EXPECT_THAT(error_of([&] { models::load_model(folder / "backbone"); }).what(),
              HasSubstr("the backbone of mnet025 alone"));
}

/// As the public PyTorch family saves its ResNet-50, by names worked out from its source.
TEST(Import, TakesThePublicResNet50ByItself) {
  const models::Model& model = models::find_model("resnet50-public");
  const graph::Weights weights = graph::random_weights(model.network.build(), 3);
  for (const char* const name :
       {"body.conv1.weight", "body.layer4.2.bn3.running_var", "fpn.output3.0.weight",
        "fpn.merge2.1.bias", "ssh3.conv7x7_3.0.weight", "ClassHead.2.conv1x1.bias"}) {
    EXPECT_TRUE(weights.tensors.contains(name)) << name;
  }
  const PyTorchCheckpoint checkpoint =
      parse_checkpoint(as_bytes(torch_file(weights, "module.").zip()), "file");
  EXPECT_EQ(&model_of(checkpoint, Part::kWhole), &model);
  expect_same_tensors(import_checkpoint(checkpoint, model, Part::kWhole), weights);
}

/// torchvision's classifier: names without prefix, counters of batches, a last layer.
TEST(Import, TakesABackboneFromTorchvisionsResNet) {
  const models::Model& model = models::find_model("resnet18");
  graph::Weights classifier;
  for (const auto& [name, tensor] : graph::random_weights(model.network.build(), 4).tensors) {
    constexpr std::string_view kPrefix = "body.";
    if (!name.starts_with(kPrefix)) continue;
    const std::string bare = name.substr(kPrefix.size());
    classifier.tensors.emplace(bare, tensor.clone());
    if (bare.ends_with("running_var")) {
      const std::string norm = bare.substr(0, bare.rfind('.'));
      classifier.tensors.emplace(norm + ".num_batches_tracked", graph::Tensor::of_shape({}));
    }
  }
  for (const auto& [name, shape] : {std::pair("fc.weight", std::vector<std::int64_t>{1000, 512}),
                                    std::pair("fc.bias", std::vector<std::int64_t>{1000})}) {
    graph::Tensor tensor = graph::Tensor::of_shape(shape);
    std::ranges::fill(tensor.values(), 1.0F);
    classifier.tensors.emplace(name, std::move(tensor));
  }
  const PyTorchCheckpoint checkpoint =
      parse_checkpoint(as_bytes(torch_file(classifier).zip()), "file");
  EXPECT_EQ(&model_of(checkpoint, Part::kBackbone), &model);
  const graph::Weights backbone = import_checkpoint(checkpoint, model, Part::kBackbone);
  EXPECT_EQ(backbone.metadata.at("part"), "backbone");
  std::size_t compared = 0;
  for (const auto& [name, tensor] : backbone.tensors) {
    const graph::Tensor& from = classifier.at(name.substr(5));
    // The first layer divides the image by torchvision's deviations of red, green and blue.
    const bool first = name == "body.conv1.weight";
    for (std::size_t i = 0; i < tensor.values().size(); ++i) {
      const std::size_t channel = i / 49 % 3;
      const float deviation = first ? std::array{58.395F, 57.12F, 57.375F}[channel] : 1.0F;
      ASSERT_EQ(tensor.values()[i], from.values()[i] / deviation) << name << " " << i;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 20U * 5);  // 20 convolutions, each with a normalisation of four
}

TEST(Import, WithoutAModelThatFitsSaysWhatKeepsItFromTheDefault) {
  const PyTorchCheckpoint checkpoint =
      read_checkpoint(fixture_folder() / "checkpoints/detector_legacy.pth");
  EXPECT_THAT(error_of([&] { model_of(checkpoint, Part::kWhole); }).what(),
              AllOf(HasSubstr("the tensors are not those of mnet025"), HasSubstr("body.0.weight")));
}

TEST(Import, RefusesTwoTensorsOfOneName) {
  const TorchFile file{PickleWriter()
                           .raw("}(")
                           .text("module.head.bias")
                           .tensor("0", 4, 0, {4}, {1})
                           .text("head.bias")
                           .tensor("0", 4, 0, {4}, {1})
                           .raw("u")
                           .stop(),
                       {{"0", std::string(16, '\0')}}};
  const PyTorchCheckpoint checkpoint = parse_checkpoint(as_bytes(file.zip()), "file");
  EXPECT_THAT(error_of([&] { import_checkpoint(checkpoint, small_model(), Part::kWhole); }).what(),
              HasSubstr("holds head.bias twice"));
}

TEST(Import, RefusesIntegersThatAModelWouldUse) {
  graph::Weights weights = graph::random_weights(small_graph(), 1);
  TorchFile file = torch_file(weights);
  const std::size_t place = file.pickle.find("FloatStorage");
  file.pickle.replace(place, 5, "Int");
  const PyTorchCheckpoint checkpoint = parse_checkpoint(as_bytes(file.zip()), "file");
  const Error error = error_of([&] { import_checkpoint(checkpoint, small_model(), Part::kWhole); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(),
              HasSubstr("body.0.weight: expected floating-point numbers, found int32"));
}

/// A tensor of 2^40 elements, all of them the one in its storage, must not be made.
TEST(Import, AsksForNoMoreMemoryThanTheModelNeeds) {
  const TorchFile file{PickleWriter()
                           .raw("}")
                           .text("head.bias")
                           .tensor("0", 1, 0, {1 << 20, 1 << 20}, {0, 0})
                           .raw("s")
                           .stop(),
                       {{"0", std::string(4, '\0')}}};
  const PyTorchCheckpoint checkpoint = parse_checkpoint(as_bytes(file.zip()), "file");
  EXPECT_THAT(error_of([&] { import_checkpoint(checkpoint, small_model(), Part::kWhole); }).what(),
              HasSubstr("head.bias is (1048576, 1048576), expected (4)"));
}

/// FNV-1a, 64 bits, over the values' bytes in order of the tensors' names.
std::uint64_t checksum(const graph::Weights& weights) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const auto& [name, tensor] : weights.tensors) {
    for (const std::byte byte : std::as_bytes(std::span<const float>(tensor.values()))) {
      hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
    }
  }
  return hash;
}

// The two checksums are of what torch 1.13 reads from the files.

TEST(Import, HasThePublicDetectorAsTorchReadsIt) {
  RF_NEED_DATA("weights/mobilenet0.25_Final.pth");
  const PyTorchCheckpoint checkpoint =
      read_checkpoint(data_folder() / "weights/mobilenet0.25_Final.pth");
  const graph::Weights weights =
      import_checkpoint(checkpoint, model_of(checkpoint, Part::kWhole), Part::kWhole);
  EXPECT_EQ(weights.metadata.at("model"), "mnet025");
  EXPECT_EQ(checksum(weights), 0xf5b9e5539d417418U);
}

TEST(Import, HasTheImageNetBackboneAsTorchReadsIt) {
  RF_NEED_DATA("weights/mobilenetV1X0.25_pretrain.tar");
  const graph::Weights weights =
      import_checkpoint(data_folder() / "weights/mobilenetV1X0.25_pretrain.tar",
                        models::find_model("mnet025"), Part::kBackbone);
  EXPECT_THAT(weights.tensors, Each(Key(StartsWith("body.stage"))));
  EXPECT_EQ(checksum(weights), 0x67be2d5be15636b0U);
}

TEST(Import, HasTheInterimDetectorBitForBit) {
  RF_NEED_DATA("weights/interim_mnet025.pth");
  const std::filesystem::path folder = data_folder() / "weights";
  expect_same_tensors(import_checkpoint(folder / "interim_mnet025.pth",
                                        models::find_model("mnet025"), Part::kWhole),
                      graph::read_safetensors(folder / "interim_mnet025.safetensors"));
}

}  // namespace
}  // namespace retinaface::interchange
