#include "pipeline/own_results.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include <gtest/gtest.h>

#include "pipeline/results.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

ImageResult some_result() {
  ImageResult result = {.path = "a, \n\n\\\"b\".jpg", .width = 4, .height = 3, .faces = {}};
  result.faces.push_back({0.9F, {0, 0, 2, 2}, {}});
  return result;
}

std::string written(const std::string& format) {
  std::string text;
  const auto writer = make_result_writer(format, [&](std::string_view part) { text += part; }, {});
  writer->write(some_result());
  writer->write(some_result());
  writer->finish();
  return text;
}

TEST(OwnResults, AreKnownInEachFormatAndCutAnywhere) {
  for (const char* const format : {"jsonl", "json", "csv"}) {
    const std::string text = written(format);
    EXPECT_TRUE(is_own_results(text, true)) << text;
    if (std::string(format).starts_with("json")) {
      for (std::size_t length = 1; length < text.size(); ++length) {
        EXPECT_TRUE(is_own_results(text.substr(0, length), true)) << text.substr(0, length);
      }
    }
  }
}

TEST(OwnResults, AreNotWhatAUserHasAddedTo) {
  for (const char* const text : {
           R"({"image": "x.jpg", "caption": "my work"})",
           R"({"image": "x.jpg", "capt)",
           "{\"image\":\"x.jpg\",\"faces\":[{\"name\":\"Anna\"}]}\n",
           "{\"image\": \"x.jpg\", \"width\": 1, \"height\": 1, \"faces\": [], \"by\": \"me\"}\n",
           "{\"image\": \"x.jpg\", \"width\": 1, \"height\": 1, \"faces\": [], \"by\": \"me\"}",
           "my notes",
       }) {
    EXPECT_FALSE(is_own_results(text, true)) << text;
    EXPECT_FALSE(begins_own_line(text)) << text;
  }
  // In a later line, in a face, in a column.
  std::string lines = written("jsonl");
  EXPECT_FALSE(is_own_results(lines + "{\"image\": \"x\", \"mine\": 1}\n", true));
  const std::string face = R"({"score")";
  lines.insert(lines.find(face) + 1, R"("name": "Anna", )");
  EXPECT_FALSE(is_own_results(lines, true)) << lines;
  std::string table = csv_head() + ",name\n";
  EXPECT_FALSE(is_own_results(table, true));
  table = written("csv");
  table.insert(table.size() - 1, ",Anna");
  EXPECT_FALSE(is_own_results(table, true)) << table;
}

/// A member that is new in the schema must be known here.
TEST(OwnResults, MayHaveAllMembersOfTheSchema) {
  std::ifstream file(testing::sample_folder().parent_path() / "doc/output.schema.json");
  ASSERT_TRUE(file);
  const auto schema = nlohmann::json::parse(file);
  const auto all_of = [](const nlohmann::json& properties) {
    nlohmann::json object;
    for (const auto& [name, unused] : properties.items()) object[name] = 1;
    return object;
  };
  nlohmann::json line = all_of(schema.at("properties"));
  line["faces"] = nlohmann::json::array();
  line["faces"].push_back(all_of(schema.at("properties").at("faces").at("items").at("properties")));
  EXPECT_TRUE(is_own_line(line.dump())) << line.dump();
}

}  // namespace
}  // namespace retinaface::pipeline
