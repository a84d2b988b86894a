#include "pipeline/name_text.h"

#include <nlohmann/json.hpp>
#include <random>

#include <gtest/gtest.h>

namespace retinaface::pipeline {
namespace {

TEST(NameText, OfUtf8IsTheNameItself) {
  for (const char* name : {"a.jpg", "grün/日本.png", "a\\b.jpg", "\\", ""}) {
    EXPECT_EQ(text_of_path(name), name);
    EXPECT_EQ(path_of_text(name), name);
  }
}

TEST(NameText, EscapesBytesThatAreNoCharacter) {
  EXPECT_EQ(text_of_path("caf\xE9.jpg"), "caf\\xE9.jpg");
  EXPECT_EQ(text_of_path("a\\b\xFF"), "a\\\\b\\xFF");
  EXPECT_EQ(text_of_path("a\\xE9"), "a\\\\xE9");               // is not the same as a<E9>
  EXPECT_EQ(text_of_path("\xED\xA0\x80"), "\\xED\\xA0\\x80");  // a surrogate
  EXPECT_EQ(text_of_path("\xC0\xAF"), "\\xC0\\xAF");           // an overlong "/"
  EXPECT_EQ(text_of_path("\xE6\x97"), "\\xE6\\x97");           // cut off
}

TEST(NameText, IsReversibleAndValidUtf8) {
  std::mt19937 random(7);
  const char pieces[][4] = {"\\", "x", "E", "9", "\xE9", "\xFF", "\xC3", "\xA9", "a", "\xF0"};
  for (int i = 0; i < 20000; ++i) {
    std::string name;
    for (auto length = random() % 8; length > 0; --length) name += pieces[random() % 10];
    const std::string text = text_of_path(name);
    EXPECT_EQ(path_of_text(text).native(), name) << text;
    EXPECT_NO_THROW(nlohmann::json(text).dump()) << name;  // which refuses what is no UTF-8
  }
}

}  // namespace
}  // namespace retinaface::pipeline
