#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace retinaface::training {

/// The other way round than Table, whose members it has: a text of all keys and values of a recipe.
class RecipeWriter {
 public:
  template <typename Write>
  void table(const std::string& key, const Write& write) {
    text_ += fmt::format("\n[{}]\n", key);
    write(*this);
  }
  void number(const std::string& key, float value, double, double) { line(key, value); }
  void whole(const std::string& key, int value, int, int) { line(key, value); }
  void flag(const std::string& key, bool value) { line(key, value); }
  void text(const std::string& key, const std::string& value) { line(key, quoted(value)); }
  template <typename T>
  void choice(const std::string& key, T value,
              std::initializer_list<std::pair<std::string_view, T>> choices) {
    for (const auto& [name, choice] : choices) {
      if (choice == value) line(key, quoted(name));
    }
  }
  void range(const std::string& key, float low, float high, double, double) {
    line(key, fmt::format("[{}, {}]", low, high));
  }
  template <typename Number, typename Limit>
  void list(const std::string& key, const std::vector<Number>& values, Limit, Limit) {
    line(key, fmt::format("[{}]", fmt::join(values, ", ")));
  }
  void list(const std::string& key, const std::vector<std::string>& values) {
    std::vector<std::string> items;
    for (const std::string& value : values) items.push_back(quoted(value));
    line(key, fmt::format("[{}]", fmt::join(items, ", ")));
  }

  const std::string& result() const { return text_; }

 private:
  template <typename T>
  void line(const std::string& key, const T& value) {
    text_ += fmt::format("{} = {}\n", key, value);
  }

  static std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
      const auto code = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        result += {'\\', c};
      } else if (code < 0x20 || code == 0x7F) {
        result += fmt::format("\\u{:04x}", code);
      } else {
        result += c;
      }
    }
    return result + "\"";
  }

  std::string text_;
};

}  // namespace retinaface::training
