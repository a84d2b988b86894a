#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "graph/weights.h"
#include "support/testing.h"

namespace retinaface::graph {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing::TemporaryFolder;

Tensor tensor(std::vector<std::int64_t> shape, std::initializer_list<float> values) {
  Tensor result = Tensor::of_shape(std::move(shape));
  EXPECT_EQ(result.values().size(), values.size());
  std::ranges::copy(values, result.values().begin());
  return result;
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

/// A file of this header, then `data_bytes` zeros.
std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  return file + header + std::string(data_bytes, '\0');
}

Weights parse(const std::string& file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "file.safetensors");
}

/// A file of one tensor "t" of 16-bit values.
Weights parse_narrow(const char* dtype, const std::vector<std::uint16_t>& values) {
  std::string file = file_of("{\"t\":{\"dtype\":\"" + std::string(dtype) + "\",\"shape\":[" +
                                 std::to_string(values.size()) + "],\"data_offsets\":[0," +
                                 std::to_string(2 * values.size()) + "]}}",
                             2 * values.size());
  std::memcpy(file.data() + file.size() - 2 * values.size(), values.data(), 2 * values.size());
  return parse(file);
}

Weights some_weights() {
  Weights weights;
  weights.tensors.emplace("b.weight", tensor({2, 1, 1, 2}, {1, -2.5F, 0, 1e-30F}));
  weights.tensors.emplace("a.bias", tensor({3}, {7, 8, 9}));
  weights.tensors.emplace("scalar", tensor({}, {42}));
  weights.tensors.emplace("empty", tensor({0, 4}, {}));
  weights.metadata = {{"model", "mnet025"}, {"note", "\"quotes\", ünïcode\n"}};
  return weights;
}

TEST(Safetensors, ComeBackAsWritten) {
  const TemporaryFolder folder;
  const Weights written = some_weights();
  write_safetensors(folder / "w.safetensors", written);
  const Weights read = read_safetensors(folder / "w.safetensors");
  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    EXPECT_EQ(read.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(values_of(read.at(name)), values_of(tensor)) << name;
  }
}

TEST(Safetensors, KeepEveryBitOfSpecialValues) {
  const TemporaryFolder folder;
  Weights weights;
  weights.tensors.emplace(
      "t", tensor({5}, {-0.0F, std::numeric_limits<float>::denorm_min(), INFINITY, -INFINITY,
                        std::numeric_limits<float>::quiet_NaN()}));
  write_safetensors(folder / "w", weights);
  const Weights read = read_safetensors(folder / "w");
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(read.at("t").values()[i]),
              std::bit_cast<std::uint32_t>(weights.at("t").values()[i]));
  }
}

TEST(Safetensors, EqualWeightsGiveEqualBytesAndAlignedTensors) {
  const TemporaryFolder folder;
  write_safetensors(folder / "1", some_weights());
  write_safetensors(folder / "2", some_weights());
  const auto first = read_file(folder / "1");
  EXPECT_EQ(first, read_file(folder / "2"));
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, first.data(), sizeof header_bytes);
  EXPECT_EQ(header_bytes % 8, 0U);
}

TEST(Safetensors, NarrowTypesStayWhatTheyAre) {
  const Weights half = parse_narrow("F16", {0x3C00, 0x0001, 0xFC00});
  EXPECT_EQ(half.at("t").type, DataType::kFloat16);
  EXPECT_EQ(half.at("t").values<Float16>()[1].bits, 0x0001);
  EXPECT_THAT(as_float32(half.at("t")).values(), ElementsAre(1.0F, 0x1p-24F, -INFINITY));
  const Weights brain = parse_narrow("BF16", {0x3F80, 0xC040});
  EXPECT_EQ(brain.at("t").type, DataType::kBFloat16);
  EXPECT_THAT(as_float32(brain.at("t")).values(), ElementsAre(1.0F, -3.0F));
}

TEST(Safetensors, EachTensorIsWrittenInItsOwnType) {
  const TemporaryFolder folder;
  Weights written = some_weights();
  for (const DataType type : {DataType::kFloat16, DataType::kBFloat16}) {
    Tensor tensor = Tensor::of_shape({3}, type);
    for (std::size_t i = 0; i < tensor.bytes.size(); ++i) tensor.bytes[i] = std::byte(40 + i);
    written.tensors.emplace(to_string(type), std::move(tensor));
  }
  write_safetensors(folder / "w", written);
  const Weights read = read_safetensors(folder / "w");
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    EXPECT_EQ(read.at(name).type, tensor.type) << name;
    EXPECT_TRUE(std::ranges::equal(read.at(name).bytes, tensor.bytes)) << name;
  }
}

TEST(Safetensors, ReadWhatOtherProgramsWrite) {
  // Tensors in another order than their names', unknown padding, no metadata.
  const Weights weights =
      parse(file_of(R"({"z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                    R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]}}       )",
                    12));
  EXPECT_THAT(weights.at("a").shape, ElementsAre(2, 1));
  EXPECT_THAT(weights.metadata, IsEmpty());
  EXPECT_THAT(parse(file_of("{}", 0)).tensors, IsEmpty());
}

TEST(Safetensors, FieldsThatTheFormatDoesNotHaveAreSkipped) {
  const Weights weights = parse(
      file_of(R"({"t":{"more":{"dtype":"I64","shape":[9,[1.5,null]]},"dtype":"F32","shape":[1],)"
              R"("list":[{"data_offsets":[]},true,-1],"data_offsets":[0,4]},"__metadata__":{}})",
              4));
  EXPECT_THAT(weights.at("t").shape, ElementsAre(1));
}

TEST(Safetensors, WhatIsNotWantedIsCheckedAndLeftOut) {
  const std::string file = file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                                   R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                                   12);
  const auto parse_a = [](const std::string& content) {
    return parse_safetensors(std::as_bytes(std::span(content)), "file",
                             [](std::string_view name) { return name == "a"; });
  };
  const Weights weights = parse_a(file);
  EXPECT_EQ(weights.tensors.size(), 1U);
  EXPECT_TRUE(weights.tensors.contains("a"));
  EXPECT_THAT(error_of([&] { parse_a(file.substr(0, file.size() - 4)); }).what(),
              HasSubstr("tensor b"));
}

TEST(Safetensors, AnotherKindOfFileIsNoneThatIsCutShort) {
  const auto fault = [](const std::string& file) {
    return std::string(error_of([&] { parse(file); }).what());
  };
  EXPECT_THAT(fault(std::string("\xff\xd8\xff\xe0\0\x10JFIF\0", 11)),
              HasSubstr("expected a safetensors file, found another kind of file"));
  EXPECT_THAT(fault(std::string("\x09\0\0\0\0\0\0\0{}", 10)),
              HasSubstr("cut short: expected a header of 9 bytes, found 2"));
}

TEST(Safetensors, MalformedHeadersAreNamed) {
  const auto tensor_entry = [](const char* entry) {
    return file_of(std::string("{\"t\":") + entry + "}", 16);
  };
  const std::string malformed[] = {
      "",
      "1234567",                                              // less than the length
      std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10),  // a header longer than memory
      std::string("\x03\0\0\0\0\0\0\0{}", 10),                // one byte longer than the file
      file_of("", 0),
      file_of("{", 0),
      file_of("[]", 0),
      file_of("7", 0),
      file_of("{\"t\":{}}", 16),
      file_of(std::string(100'000, '['), 0),  // nested deeply
      file_of("{\"t\":{\"dtype\":\"\xff\",\"shape\":[4],\"data_offsets\":[0,16]}}", 16),
      file_of("{\"__metadata__\":{\"number\":1}}", 0),
      file_of("{\"__metadata__\":[]}", 0),
      tensor_entry("3"),
      tensor_entry("null"),
      tensor_entry(R"({"dtype":"F32","shape":{"4":4},"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[[4]],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                   R"("t":{"dtype":"F32","shape":[2],"data_offsets":[8,16]})"),
      file_of(R"({"a\nb":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 0),
      tensor_entry(R"({"dtype":"F32","shape":[4]})"),
      tensor_entry(R"({"dtype":"F32","data_offsets":[0,16]})"),
      tensor_entry(R"({"shape":[4],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":7,"shape":[4],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":4,"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":["4"],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[-4],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4.0],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[5],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F16","shape":[4],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[4,20]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[16,0]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[-16,0]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":["0","16"]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0.0,16.0]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0,1e58]})"),
      // Products that overflow, or would come to 16 bytes if they did.
      tensor_entry(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
      tensor_entry(R"({"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,16]})"),
      tensor_entry(R"({"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]})"),
  };
  for (const std::string& file : malformed) {
    const Error error = error_of([&] { parse(file); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData) << file.substr(0, 200);
    EXPECT_THAT(error.what(), StartsWith("file.safetensors: ")) << file.substr(0, 200);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    EXPECT_LT(std::string(error.what()).size(), 400U);
  }
}

TEST(Safetensors, TypesThatAreNotReadAreNamed) {
  const Error error = error_of(
      [] { parse(file_of(R"({"t":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})", 16)); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("tensor t"), HasSubstr("I64")));
}

TEST(Safetensors, CutShortAnywhereIsAnError) {
  const TemporaryFolder folder;
  write_safetensors(folder / "w", some_weights());
  const auto content = read_file(folder / "w");
  ASSERT_LT(content.size(), 1000U);
  for (std::size_t length = 0; length < content.size(); ++length) {
    const Error error =
        error_of([&] { parse_safetensors(std::span(content).first(length), "cut"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData) << length;
  }
}

TEST(Safetensors, AnyByteChangedNeverCrashes) {
  const TemporaryFolder folder;
  write_safetensors(folder / "w", some_weights());
  auto content = read_file(folder / "w");
  for (std::size_t i = 0; i < content.size(); ++i) {
    const std::byte old = content[i];
    for (const unsigned change : {0x01U, 0x10U, 0x80U, 0xFFU}) {
      content[i] = old ^ std::byte(change);
      try {
        parse_safetensors(content, "changed");
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), StartsWith("changed: "));
      }
    }
    content[i] = old;
  }
}

TEST(Safetensors, FilesThatCannotBeHadAreNamed) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_safetensors(folder / "none"); }).code(), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { write_safetensors(folder / "no/w", some_weights()); }).code(),
            ErrorCode::kUnwritable);
}

}  // namespace
}  // namespace retinaface::graph
