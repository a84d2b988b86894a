#include "training/recipe.h"

#include <cmath>
#include <set>
#include <sstream>
#include <string_view>
#include <toml.hpp>

#include "base/check.h"
#include "base/file.h"
#include "models/catalogue.h"

namespace retinaface::training {
namespace {

/// One table of a recipe. Knows which of its keys were asked for, so that the rest can be refused.
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

  void number(const std::string& key, float& target, double least, double greatest) {
    if (const toml::value* found = find(key)) {
      target = static_cast<float>(number_of(*found, key, least, greatest));
    }
  }

  void whole(const std::string& key, int& target, int least, int greatest) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    if (!found->is_integer()) reject(*found, fmt::format("a whole number for {}", key));
    target = static_cast<int>(number_of(*found, key, least, greatest));
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
  void range(const std::string& key, float& low, float& high, double least, double greatest) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    if (!found->is_array() || found->size() != 2) {
      reject(*found, fmt::format("two numbers for {}", key));
    }
    low = static_cast<float>(number_of(found->at(0), key, least, greatest));
    high = static_cast<float>(number_of(found->at(1), key, static_cast<double>(low), greatest));
  }

  template <typename T>
  void list(const std::string& key, std::vector<T>& target) {
    const toml::value* const found = find(key);
    if (found == nullptr) return;
    target.clear();
    if (!found->is_array()) reject(*found, fmt::format("a list for {}", key));
    for (const toml::value& item : found->as_array()) {
      if constexpr (std::is_same_v<T, int>) {
        if (!item.is_integer()) reject(item, fmt::format("whole numbers for {}", key));
        target.push_back(static_cast<int>(item.as_integer()));
      } else {
        if (!item.is_string()) reject(item, fmt::format("texts for {}", key));
        target.push_back(item.as_string());
      }
    }
  }

  void refuse_unknown() const {
    for (const auto& [key, value] : value_.as_table()) {
      if (!asked_.contains(key)) {
        fail(ErrorCode::kBadData, "{}:{}: no recipe has a key '{}'{}", value.location().file_name(),
             value.location().line(), key, name_.empty() ? "" : " in [" + name_ + "]");
      }
    }
  }

 private:
  const toml::value* find(const std::string& key) {
    asked_.insert(key);
    return value_.contains(key) ? &value_.at(key) : nullptr;
  }

  static double number_of(const toml::value& value, const std::string& key, double least,
                          double greatest) {
    if (!value.is_integer() && !value.is_floating()) {
      reject(value, fmt::format("a number for {}", key));
    }
    const double number =
        value.is_integer() ? static_cast<double>(value.as_integer()) : value.as_floating();
    // As floats, which the limits may be of: 0.35 is not above 0.35F.
    const auto rounded = static_cast<float>(number);
    if (!(rounded >= static_cast<float>(least) && rounded <= static_cast<float>(greatest))) {
      fail(ErrorCode::kBadData, "{}:{}: expected {} from {} to {}, found {}",
           value.location().file_name(), value.location().line(), key, least, greatest, number);
    }
    return number;
  }

  const toml::value& value_;
  std::string name_;
  std::set<std::string> asked_;
};

constexpr double kAny = 1e6;

void read_augmentation(Table& table, dataset::AugmentationOptions& options) {
  dataset::CropOptions& crop = options.crop;
  table.range("crop", crop.least_side, crop.greatest_side, 0.05, 4);
  table.number("around_face", crop.around_face, 0, 1);
  table.range("around_face_px", crop.least_face_px, crop.greatest_face_px, 1, 4096);
  table.number("flip", options.flip, 0, 1);
  table.number("brightness", options.color.brightness, 0, 255);
  table.number("contrast", options.color.contrast, 0, 1);
  table.number("saturation", options.color.saturation, 0, 1);
  table.number("hue_degrees", options.color.hue_degrees, 0, 180);
  table.number("gray", options.color.gray, 0, 1);
  table.number("least_face_px", options.least_face_px, 0, 4096);
}

void read_matching(Table& table, MatchingOptions& options) {
  table.number("positive_iou", options.positive_iou, 0, 1);
  table.number("negative_iou", options.negative_iou, 0, static_cast<double>(options.positive_iou));
  table.flag("force_best", options.force_best);
  table.number("force_above_iou", options.force_above_iou, 0, 1);
  table.number("ignored_face_iou", options.ignored_face_iou, 0, 1);
}

void read_loss(Table& table, LossOptions& options) {
  table.number("cls_weight", options.cls_weight, 0, kAny);
  table.number("box_weight", options.box_weight, 0, kAny);
  table.number("landmarks_weight", options.landmarks_weight, 0, kAny);
  table.number("negatives_per_positive", options.negatives_per_positive, 0, kAny);
  table.whole("least_negatives", options.least_negatives, 0, 1'000'000);
  table.number("smooth_l1_beta", options.smooth_l1_beta, 1e-6, kAny);
  table.number("least_points_score", options.least_points_score, 0, 1);
}

void read_schedule(Table& table, ScheduleOptions& options) {
  table.number("learning_rate", options.learning_rate, 0, 100);
  table.whole("epochs", options.epochs, 1, 1'000'000);
  table.number("warmup_epochs", options.warmup_epochs, 0, kAny);
  table.number("warmup_factor", options.warmup_factor, 0, 1);
  table.choice("decay", options.decay, {{"steps", Decay::kSteps}, {"cosine", Decay::kCosine}});
  table.list("milestones", options.milestones);
  table.number("step_factor", options.step_factor, 0, 1);
  table.number("final_factor", options.final_factor, 0, 1);
}

void read_optimizer(Table& table, Recipe& recipe) {
  table.number("momentum", recipe.optimizer.momentum, 0, 1);
  table.number("weight_decay", recipe.optimizer.weight_decay, 0, 1);
  table.flag("decay_norms_and_biases", recipe.optimizer.decay_norms_and_biases);
  table.number("greatest_gradient", recipe.optimizer.greatest_gradient, 0, kAny);
  table.number("average_decay", recipe.average_decay, 0, 1);
  table.list("frozen", recipe.frozen);
  table.flag("frozen_statistics", recipe.frozen_statistics);
}

Recipe recipe_of(const toml::value& document, const std::string& name) {
  Recipe recipe;
  Table table(document, "");
  table.text("model", recipe.model);
  table.table("input", [&](Table& input) {
    input.whole("side_px", recipe.side_px, 32, 8192);
    input.whole("batch", recipe.batch, 1, 65536);
  });
  table.table("augmentation", [&](Table& part) { read_augmentation(part, recipe.augmentation); });
  table.table("matching", [&](Table& part) { read_matching(part, recipe.matching); });
  table.table("loss", [&](Table& part) { read_loss(part, recipe.loss); });
  table.table("optimizer", [&](Table& part) { read_optimizer(part, recipe); });
  table.table("schedule", [&](Table& part) { read_schedule(part, recipe.schedule); });
  table.table("validation", [&](Table& part) {
    part.whole("every_epochs", recipe.validate_every_epochs, 1, 1'000'000);
  });
  table.table("compute", [&](Table& part) {
    part.choice("arithmetic", recipe.arithmetic,
                {{"float32", Arithmetic::kFloat32}, {"bfloat16", Arithmetic::kBfloat16}});
  });
  table.refuse_unknown();
  try {
    models::find_model(recipe.model);
  } catch (const Error& error) {
    fail(ErrorCode::kBadData, "{}: {}", name, error.what());
  }
  return recipe;
}

}  // namespace

Recipe parse_recipe(const std::string& text, const std::string& name) {
  std::istringstream stream(text);
  try {
    return recipe_of(toml::parse(stream, name), name);
  } catch (const toml::syntax_error& error) {
    const std::string what = error.what();
    std::string reason = what.substr(0, what.find('\n'));
    constexpr std::string_view kPrefix = "[error] ";
    if (reason.starts_with(kPrefix)) reason = reason.substr(kPrefix.size());
    fail(ErrorCode::kBadData, "{}:{}: not TOML: {}", name, error.location().line(), reason);
  }
}

Recipe read_recipe(const std::filesystem::path& path) {
  constexpr std::uint64_t kMostBytes = 1 << 20;
  const std::vector<std::byte> content = read_file(path, kMostBytes);
  return parse_recipe(std::string(reinterpret_cast<const char*>(content.data()), content.size()),
                      printable(path));
}

}  // namespace retinaface::training
