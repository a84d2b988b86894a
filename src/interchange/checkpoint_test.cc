#include "interchange/checkpoint.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "support/testing.h"
#include "support/torch_writer.h"

namespace retinaface::interchange {
namespace {

using testing::as_bytes;
using testing::bytes_of;
using testing::error_of;
using testing::fixture_folder;
using ::testing::HasSubstr;
using testing::PickleWriter;
using testing::TorchFile;

/// What torch itself has read from the files of tests/data/checkpoints.
nlohmann::json expected(const std::string& which) {
  return nlohmann::json::parse(std::ifstream(fixture_folder() / "checkpoints/expected.json"))
      .at(which);
}

void expect_equal(const PyTorchCheckpoint& checkpoint, const nlohmann::json& expected,
                  const std::string& prefix = "") {
  EXPECT_EQ(checkpoint.tensors.size(), expected.size());
  for (const auto& [name, tensor] : expected.items()) {
    SCOPED_TRACE(name);
    const auto found = checkpoint.tensors.find(prefix + name);
    ASSERT_NE(found, checkpoint.tensors.end());
    EXPECT_EQ(nlohmann::json(found->second.shape), tensor.at("shape"));
    if (found->second.type == ElementType::kInt64) continue;
    const graph::Tensor values = to_float32(found->second, name, "file");
    ASSERT_EQ(values.values().size(), tensor.at("values").size());
    for (std::size_t i = 0; i < values.values().size(); ++i) {
      const double wanted = std::stod(tensor.at("values").at(i).get<std::string>());
      EXPECT_EQ(values.values()[i], static_cast<float>(wanted)) << i;
    }
  }
}

std::vector<float> values_of(const PyTorchCheckpoint& checkpoint, const std::string& name) {
  const graph::Tensor tensor = to_float32(checkpoint.tensors.at(name), name, "file");
  return {tensor.values().begin(), tensor.values().end()};
}

TEST(PyTorchCheckpoint, HasTheValuesThatTorchReads) {
  for (const char* const file : {"odd_legacy_1.pth", "odd_legacy_2.pth", "odd_legacy_4.pth",
                                 "odd_zip_2.pth", "odd_zip_5.pth"}) {
    SCOPED_TRACE(file);
    expect_equal(read_checkpoint(fixture_folder() / "checkpoints" / file), expected("odd"));
  }
}

TEST(PyTorchCheckpoint, OfSafetensorsHasTheValuesThatTorchWrote) {
  const nlohmann::json odd = expected("odd");
  nlohmann::json kept;
  for (const char* const name : {"dense", "empty", "half", "bfloat16"}) kept[name] = odd.at(name);
  expect_equal(read_checkpoint(fixture_folder() / "checkpoints/types.safetensors"), kept);
}

TEST(PyTorchCheckpoint, IsTheStateDictWhereverItLies) {
  expect_equal(read_checkpoint(fixture_folder() / "checkpoints/detector_legacy.pth"),
               expected("detector"));
  expect_equal(read_checkpoint(fixture_folder() / "checkpoints/detector_wrapped.pth"),
               expected("detector"), "module.");
  expect_equal(read_checkpoint(fixture_folder() / "checkpoints/classifier_legacy.tar"),
               expected("classifier"));
}

TEST(PyTorchCheckpoint, OfSafetensorsKeepsTheirMetadata) {
  graph::Weights weights;
  weights.metadata["maker"] = "somebody";
  weights.tensors["a"] = graph::Tensor::of_shape({2, 3});
  for (std::size_t i = 0; i < 6; ++i) weights.tensors["a"].values()[i] = static_cast<float>(i);
  const testing::TemporaryFolder folder;
  graph::write_safetensors(folder / "file", weights);

  const PyTorchCheckpoint checkpoint = read_checkpoint(folder / "file");
  EXPECT_EQ(checkpoint.metadata, weights.metadata);
  EXPECT_THAT(values_of(checkpoint, "a"), ::testing::ElementsAre(0, 1, 2, 3, 4, 5));
}

/// {name: one float}, of either format.
TorchFile small_file() {
  return {PickleWriter().raw("}").text("weight").tensor("0", 1, 0, {1}, {1}).raw("s").stop(),
          {{"0", bytes_of(2.5F)}}};
}

PyTorchCheckpoint parse(const std::string& content) {
  return parse_checkpoint(as_bytes(content), "file");
}

TEST(PyTorchCheckpoint, ReadsTheSmallestOfEachFormat) {
  for (const std::string& content : {small_file().legacy(), small_file().zip()}) {
    EXPECT_THAT(values_of(parse(content), "weight"), ::testing::ElementsAre(2.5F));
  }
}

TEST(PyTorchCheckpoint, SaysWhatItIsNot) {
  for (const std::string& content : {std::string(), std::string("text"), std::string(300, '\0'),
                                     std::string("\x89PNG\r\n\x1a\n0123456789")}) {
    EXPECT_THAT(error_of([&] { parse(content); }).what(),
                HasSubstr("file: expected a checkpoint of PyTorch or a safetensors file"));
  }
  EXPECT_THAT(error_of([&] {
                parse(testing::make_zip({{"word/document.xml", ""}}));
              }).what(),
              HasSubstr("a zip archive without data.pkl"));
}

TEST(PyTorchCheckpoint, NamesWhatIsNoTensor) {
  const auto message = [](const PickleWriter& pickle) {
    const TorchFile file{pickle.stop(), {}};
    std::string text = error_of([&] { parse(file.zip()); }).what();
    EXPECT_EQ(error_of([&] { parse(file.legacy()); }).what(), text);
    return text;
  };
  EXPECT_EQ(message(PickleWriter().raw("]")), "file: expected a dict of tensors, found a list");
  EXPECT_EQ(message(PickleWriter().raw("}").text("epoch").raw("K\x03s")),
            "file: expected a tensor as epoch, found an integer");
  EXPECT_EQ(message(PickleWriter().raw("}K\x03K\x03s")),
            "file: expected names of tensors, found an integer");
  EXPECT_EQ(message(PickleWriter().raw("}").text("w").tensor("0", 1, 0, {1}, {1}).raw("s")),
            "file: the values of w are missing");
  // A dict that is its own state dict.
  EXPECT_EQ(message(PickleWriter().raw("}q\x01").text("state_dict").raw("h\x01s")),
            "file: expected a tensor as state_dict, found a dict");
}

TEST(PyTorchCheckpoint, SeesStoragesThatDoNotFit) {
  TorchFile file = small_file();
  file.storages["0"] = "";
  for (const std::string& content : {file.legacy(), file.zip()}) {
    EXPECT_THAT(error_of([&] { parse(content); }).what(),
                HasSubstr("the storage of weight has 0 elements, expected 1"));
  }
  file.pickle = PickleWriter()
                    .raw("}(")
                    .text("a")
                    .tensor("0", 1, 0, {1}, {1})
                    .text("b")
                    .tensor("0", 1, 0, {1}, {1}, "HalfStorage")
                    .raw("u")
                    .stop();
  EXPECT_THAT(error_of([&] { parse(file.zip()); }).what(), HasSubstr("storage 0 has two types"));
}

/// Or else a file of a megabyte could ask for a terabyte of memory.
TEST(PyTorchCheckpoint, OfSafetensorsMayNotAskForMoreThanTheyHold) {
  const auto file = [](const std::string& second) {
    const std::string header =
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":)" + second + "}";
    return bytes_of(std::uint64_t{header.size()}) + header + std::string(12, '\0');
  };
  EXPECT_EQ(parse(file(R"({"dtype":"F32","shape":[1],"data_offsets":[8,12]})")).tensors.size(), 2U);
  EXPECT_THAT(
      error_of([&] { parse(file(R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})")); }).what(),
      HasSubstr("tensor b: its bytes belong to another tensor as well"));
  EXPECT_THAT(
      error_of([&] {
        parse(file(R"({"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[8,8]})"));
      }).what(),
      HasSubstr("tensor b: impossible shape"));
}

TEST(PyTorchCheckpoint, FromABigEndianMachineIsRefused) {
  std::string legacy = small_file().legacy();
  const std::size_t answer = legacy.find("little_endian\x88");
  legacy[answer + 13] = '\x89';
  EXPECT_EQ(error_of([&] { parse(legacy); }).code(), ErrorCode::kUnsupported);
  EXPECT_EQ(error_of([&] {
              parse(testing::make_zip({{"a/data.pkl", "}."}, {"a/byteorder", "big"}}));
            }).code(),
            ErrorCode::kUnsupported);
  EXPECT_TRUE(
      parse(testing::make_zip({{"a/data.pkl", "}."}, {"a/byteorder", "little"}})).tensors.empty());
}

std::vector<std::string> all_files() {
  std::vector<std::string> contents;
  for (const char* const name :
       {"odd_legacy_1.pth", "odd_legacy_2.pth", "odd_legacy_4.pth", "odd_zip_2.pth",
        "odd_zip_5.pth", "detector_legacy.pth", "detector_wrapped.pth", "classifier_legacy.tar"}) {
    const auto bytes = read_file(fixture_folder() / "checkpoints" / name);
    contents.emplace_back(text_of(bytes));
  }
  return contents;
}

TEST(PyTorchCheckpoint, CutAnywhereIsAnError) {
  for (const std::string& whole : all_files()) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_EQ(error_of([&] { parse(whole.substr(0, length)); }).code(), ErrorCode::kBadData);
    }
  }
}

TEST(PyTorchCheckpoint, WithAFlippedBitInAnyByteIsReadOrRefused) {
  std::size_t refused = 0;
  for (std::string content : all_files()) {
    for (std::size_t i = 0; i < content.size(); ++i) {
      const char kept = content[i];
      content[i] = static_cast<char>(kept ^ (1 << i % 8));
      try {
        parse(content);
      } catch (const Error& error) {
        ++refused;
        EXPECT_EQ(std::string_view(error.what()).substr(0, 4), "file");
        EXPECT_LT(std::strlen(error.what()), 1000U);
        EXPECT_EQ(std::strchr(error.what(), '\n'), nullptr);
      }
      content[i] = kept;
    }
  }
  EXPECT_GT(refused, 5'000U);
}

}  // namespace
}  // namespace retinaface::interchange
