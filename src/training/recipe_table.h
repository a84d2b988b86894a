#pragma once

#include <filesystem>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <toml.hpp>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "base/check.h"

namespace retinaface::training {

/// One table of a recipe as it is read: each member looks for a key and, where it is there, puts
/// its value in the target. Knows which keys were asked for, so that the rest can be refused.
class Table {
 public:
  Table(const toml::value& value, std::string name) : value_(value), name_(std::move(name)) {
    if (!value_.is_table()) reject(value_, "a table");
  }

  /// Throws kBadData with file and line.
  [[noreturn]] static void reject(const toml::value& value, std::string_view expected) {
    fail(ErrorCode::kBadData, "{}:{}: expected {}, found {}", value.location().file_name(),
         value.location().line(), expected, toml::stringize(value.type()));
  }

  /// The table called `key`; nothing if the recipe has none.
  template <typename Read>
  void table(const std::string& key, const Read& read) {
    if (const toml::value* found = find(key)) {
      Table part(*found, key);
      read(part);
      part.refuse_unknown();
    }
  }

  void number(const std::string& key, float& target, double min, double max) {
    if (const toml::value* found = find(key)) {
      target = static_cast<float>(number_of(*found, key, min, max));
    }
  }

  void whole(const std::string& key, int& target, int min, int max) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    if (!found->is_integer()) reject(*found, fmt::format("a whole number for {}", key));
    target = static_cast<int>(number_of(*found, key, min, max));
  }

  void flag(const std::string& key, bool& target) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    if (!found->is_boolean()) reject(*found, fmt::format("true or false for {}", key));
    target = found->as_boolean();
  }

  void text(const std::string& key, std::string& target) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    if (!found->is_string()) reject(*found, fmt::format("a text for {}", key));
    target = found->as_string();
  }

  /// One of the named values.
  template <typename T>
  void choice(const std::string& key, T& target,
              std::initializer_list<std::pair<std::string_view, T>> choices) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    std::string names;
    for (const auto& [name, value] : choices) {
      if (found->is_string() && std::string(found->as_string()) == name) {
        target = value;
        return;
      }
      names += (names.empty() ? "'" : " or '") + std::string(name) + "'";
    }
    reject(*found, fmt::format("{} for {}", names, key));
  }

  /// Two numbers, the first not above the second.
  void range(const std::string& key, float& low, float& high, double min, double max) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    if (!found->is_array() || found->size() != 2) {
      reject(*found, fmt::format("two numbers for {}", key));
    }
    low = static_cast<float>(number_of(found->at(0), key, min, max));
    high = static_cast<float>(number_of(found->at(1), key, static_cast<double>(low), max));
  }

  void list(const std::string& key, std::vector<int>& target, int min, int max) {
    read_list(key, target, [&](const toml::value& item) {
      if (!item.is_integer()) reject(item, fmt::format("whole numbers for {}", key));
      return static_cast<int>(number_of(item, key, min, max));
    });
  }

  void list(const std::string& key, std::vector<float>& target, double min, double max) {
    read_list(key, target, [&](const toml::value& item) {
      return static_cast<float>(number_of(item, key, min, max));
    });
  }

  void list(const std::string& key, std::vector<std::string>& target) {
    read_list(key, target, [&](const toml::value& item) {
      if (!item.is_string()) reject(item, fmt::format("texts for {}", key));
      std::string text = item.as_string();
      return text;
    });
  }

  void refuse_unknown() const {
    for (const auto& [key, value] : value_.as_table()) {
      if (!asked_.contains(key)) {
        fail(ErrorCode::kBadData, "{}:{}: no recipe has a key '{}'{}, expected one of {}",
             value.location().file_name(), value.location().line(), excerpt(key),
             name_.empty() ? "" : " in [" + name_ + "]", fmt::join(asked_, ", "));
      }
    }
  }

 private:
  const toml::value* find(const std::string& key) {
    asked_.insert(key);
    return value_.contains(key) ? &value_.at(key) : nullptr;
  }

  template <typename T, typename Read>
  void read_list(const std::string& key, std::vector<T>& target, const Read& read) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    target.clear();
    if (!found->is_array()) reject(*found, fmt::format("a list for {}", key));
    for (const toml::value& item : found->as_array()) target.push_back(read(item));
  }

  static double number_of(const toml::value& value, const std::string& key, double min,
                          double max) {
    if (!value.is_integer() && !value.is_floating()) {
      reject(value, fmt::format("a number for {}", key));
    }
    const double number =
        value.is_integer() ? static_cast<double>(value.as_integer()) : value.as_floating();
    // As floats, which the limits may be of: 0.35 is not above 0.35F.
    const auto rounded = static_cast<float>(number);
    if (!(rounded >= static_cast<float>(min) && rounded <= static_cast<float>(max))) {
      fail(ErrorCode::kBadData, "{}:{}: expected {} from {} to {}, found {}",
           value.location().file_name(), value.location().line(), key, min, max, number);
    }
    return number;
  }

  const toml::value& value_;
  std::string name_;
  std::set<std::string> asked_;
};

/// The text of a recipe's file, and a text with `changes` as values; what read_recipe throws.
std::string recipe_text(const std::filesystem::path& path);
toml::value recipe_document(const std::string& text, const std::string& name,
                            std::span<const std::string> changes);

}  // namespace retinaface::training
