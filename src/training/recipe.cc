#include "training/recipe.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <toml.hpp>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "base/library_reason.h"
#include "base/text.h"
#include "detection/anchors.h"
#include "models/catalogue.h"
#include "models/model_files.h"
#include "training/mesh_loss_fields.h"
#include "training/recipe_fields.h"

namespace retinaface::training {
namespace {

constexpr double kAny = 1e6;

// The keys of a recipe, once for both directions: Fields is a Table or a RecipeWriter.

template <typename Fields>
void augmentation_fields(Fields& table, dataset::AugmentationOptions& options) {
  dataset::CropOptions& crop = options.crop;
  table.range("crop", crop.min_side, crop.max_side, 0.05, 4);
  table.number("around_face", crop.around_face, 0, 1);
  table.number("around_face_max_side", crop.around_face_max_side, 0.1, 16);
  table.range("around_face_px", crop.min_face_px, crop.max_face_px, 1, 4096);
  table.number("flip", options.flip, 0, 1);
  table.number("turn", options.turn, 0, 1);
  table.number("turn_degrees", options.turn_degrees, 0, 180);
  table.number("brightness", options.color.brightness, 0, 255);
  table.number("contrast", options.color.contrast, 0, 1);
  table.number("saturation", options.color.saturation, 0, 1);
  table.number("hue_degrees", options.color.hue_degrees, 0, 180);
  table.number("gray", options.color.gray, 0, 1);
  table.number("degrade", options.degrade, 0, 1);
  table.number("min_face_px", options.min_face_px, 0, 4096);
}

template <typename Fields>
void matching_fields(Fields& table, MatchingOptions& options) {
  table.choice("method", options.method,
               {{"iou", MatchingMethod::kIou}, {"atss", MatchingMethod::kAtss}});
  table.whole("candidates", options.candidates, 1, 100);
  table.number("positive_iou", options.positive_iou, 0, 1);
  table.number("negative_iou", options.negative_iou, 0, static_cast<double>(options.positive_iou));
  table.flag("force_best", options.force_best);
  table.number("force_above_iou", options.force_above_iou, 0, 1);
  table.number("ignored_face_iou", options.ignored_face_iou, 0, 1);
}

/// HEAD_weight for each head; where there is none, what `present` says.
template <typename Fields, typename Present>
void weight_fields(Fields& table, HeadWeights& weights, std::span<const models::Head> heads,
                   const Present& present) {
  for (const models::Head& head : heads) {
    float weight = present(head);
    table.number(head.name + "_weight", weight, 0, kAny);
    weights[head.name] = weight;
  }
}

template <typename Fields>
void loss_fields(Fields& table, LossOptions& options, std::span<const models::Head> heads) {
  weight_fields(table, options.weights, heads, [&](const models::Head& head) {
    return static_cast<float>(weight_of(head, options));
  });
  table.choice(
      "score", options.score,
      {{"cross_entropy", ScoreLoss::kCrossEntropy}, {"quality_focal", ScoreLoss::kQualityFocal}});
  table.choice(
      "box", options.box,
      {{"smooth_l1", BoxLoss::kSmoothL1}, {"giou", BoxLoss::kGiou}, {"diou", BoxLoss::kDiou}});
  table.number("negatives_per_positive", options.negatives_per_positive, 0, kAny);
  table.whole("min_negatives", options.min_negatives, 0, 1'000'000);
  table.number("smooth_l1_beta", options.smooth_l1_beta, 1e-6, kAny);
  table.number("min_points_score", options.min_points_score, 0, 1);
  table.flag("soft_targets", options.soft_targets);
}

template <typename Fields>
void distillation_fields(Fields& table, DistillationOptions& options,
                         std::span<const models::Head> heads) {
  weight_fields(table, options.weights, heads, [&](const models::Head& head) {
    return static_cast<float>(weight_of(head, options));
  });
  table.number("min_score", options.min_score, 0, 1);
  table.number("temperature", options.temperature, 0.1, 100);
  table.number("min_weight", options.min_weight, 0, 1);
  table.flag("mirrored", options.mirrored);
  table.list("teachers", options.teachers, 1, 1000);
  // What is not above 0 would turn a teacher's ranking round.
  table.list("score_factor", options.score_factor, 1e-6, kAny);
  table.list("score_shift", options.score_shift, -kAny, kAny);
}

template <typename Fields>
void branch_fields(Fields& table, JointMeshOptions& options) {
  table.number("weight", options.weight, 0, kAny);
  table.number("min_face_px", options.min_face_px, 1, 4096);
  table.whole("anchors_per_face", options.anchors_per_face, 1, 1000);
  mesh_loss_fields(table, options.loss);
}

template <typename Fields>
void schedule_fields(Fields& table, ScheduleOptions& options) {
  table.number("learning_rate", options.learning_rate, 0, 100);
  table.whole("epochs", options.epochs, 1, 1'000'000);
  table.number("warmup_epochs", options.warmup_epochs, 0, kAny);
  table.number("warmup_factor", options.warmup_factor, 0, 1);
  table.choice("decay", options.decay, {{"steps", Decay::kSteps}, {"cosine", Decay::kCosine}});
  table.list("milestones", options.milestones, 0, 1'000'000);
  table.number("step_factor", options.step_factor, 0, 1);
  table.number("final_factor", options.final_factor, 0, 1);
}

template <typename Fields>
void optimizer_fields(Fields& table, Recipe& recipe) {
  table.choice("method", recipe.optimizer.method,
               {{"sgd", Method::kSgd}, {"adamw", Method::kAdamW}, {"muon", Method::kMuon}});
  table.number("momentum", recipe.optimizer.momentum, 0, 0.999999);
  table.number("square_decay", recipe.optimizer.square_decay, 0, 0.999999);
  table.number("weight_decay", recipe.optimizer.weight_decay, 0, 1);
  table.flag("decay_norms_and_biases", recipe.optimizer.decay_norms_and_biases);
  table.number("max_gradient", recipe.optimizer.max_gradient, 0, kAny);
  table.number("offsets_rate_factor", recipe.optimizer.offsets_rate_factor, 0, 100);
  table.number("average_decay", recipe.average_decay, 0, 1);
  table.list("frozen", recipe.frozen);
  table.flag("frozen_statistics", recipe.frozen_statistics);
}

/// Those of the model; of a name that is none, which is reported later, those that detectors have.
std::vector<models::Head> heads_of(const std::string& model) {
  const models::Model* const row = models::find_row(model);
  return row != nullptr ? row->detector().heads : models::face_heads();
}

template <typename Fields>
void recipe_fields(Fields& fields, Recipe& recipe) {
  fields.text("model", recipe.model);
  const std::vector<models::Head> heads = heads_of(recipe.model);
  fields.table("input", [&](Fields& part) {
    part.whole("side_px", recipe.side_px, 32, 8192);
    part.whole("batch", recipe.batch, 1, 65536);
    part.whole("accumulate", recipe.accumulate, 1, recipe.batch);
  });
  fields.table("augmentation",
               [&](Fields& part) { augmentation_fields(part, recipe.augmentation); });
  fields.table("matching", [&](Fields& part) { matching_fields(part, recipe.matching); });
  fields.table("loss", [&](Fields& part) { loss_fields(part, recipe.loss, heads); });
  fields.table("distillation",
               [&](Fields& part) { distillation_fields(part, recipe.distillation, heads); });
  fields.table("branch", [&](Fields& part) { branch_fields(part, recipe.branch); });
  fields.table("optimizer", [&](Fields& part) { optimizer_fields(part, recipe); });
  fields.table("schedule", [&](Fields& part) { schedule_fields(part, recipe.schedule); });
  fields.table("validation", [&](Fields& part) {
    part.whole("every_epochs", recipe.validate_every_epochs, 1, 1'000'000);
  });
  fields.table("compute", [&](Fields& part) {
    using graph::DataType;
    part.choice("arithmetic", recipe.arithmetic,
                {{graph::to_string(DataType::kFloat32), DataType::kFloat32},
                 {graph::to_string(DataType::kBFloat16), DataType::kBFloat16}});
    part.flag("recompute", recipe.recompute);
  });
}

/// A prefix that fits nothing is a slip of the pen: the layers that it means would learn.
void check_frozen(const Recipe& recipe, const models::Model& model) {
  const std::vector<graph::ParameterSpec> parameters = graph::parameters(model.network.build());
  for (const std::string& prefix : recipe.frozen) {
    const bool fits = std::ranges::any_of(parameters, [&](const graph::ParameterSpec& parameter) {
      return parameter.name.starts_with(prefix);
    });
    if (!fits || prefix.empty()) {
      fail(ErrorCode::kBadData, "frozen: no parameter of {} starts with '{}', the first is {}",
           model.name, excerpt(prefix), parameters.front().name);
    }
  }
}

/// A mirror brings the anchors of an image onto each other only if whole cells fill it.
void check_mirror(const Recipe& recipe, const models::Model& model) {
  const int stride = detection::coarsest_stride(model.detector().anchors);
  if (recipe.distillation.mirrored && recipe.side_px % stride != 0) {
    fail(ErrorCode::kBadData,
         "distillation.mirrored: expected an input.side_px that is a multiple of {}, found {}",
         stride, recipe.side_px);
  }
}

constexpr auto kDescribe = [](auto& fields, auto& recipe) { recipe_fields(fields, recipe); };

Recipe recipe_of(const toml::value& document, const std::string& name) {
  Recipe recipe = recipe_in<Recipe>(document, kDescribe);
  try {
    const models::Model& model = models::find_model(recipe.model);
    check_frozen(recipe, model);
    check_mirror(recipe, model);
  } catch (const Error& error) {
    fail(ErrorCode::kBadData, "{}: {}", name, error.what());
  }
  return recipe;
}

/// Keys that recipes had under other names before: those still work.
constexpr std::pair<const char*, const char*> kFormerKeys[] = {
    {"around_face_greatest_side", "around_face_max_side"},
    {"least_face_px", "min_face_px"},
    {"least_negatives", "min_negatives"},
    {"least_points_score", "min_points_score"},
    {"least_score", "min_score"},
    {"least_weight", "min_weight"},
    {"greatest_gradient", "max_gradient"},
};

/// Gives each key of the tables in `document` its present name.
void rename_former_keys(toml::value& document) {
  for (auto& [section, table] : document.as_table()) {
    if (!table.is_table()) continue;
    for (const auto& [former, present] : kFormerKeys) {
      const auto found = table.as_table().find(former);
      if (found == table.as_table().end()) continue;
      const toml::value value = found->second;
      if (table.contains(present)) {
        fail(ErrorCode::kBadData, "{}:{}: [{}] has both {} and {}, two names of one key",
             value.location().file_name(), value.location().line(), section, former, present);
      }
      table.as_table().erase(found);
      table.as_table().emplace(present, value);
    }
  }
}

toml::value parse_toml(const std::string& text, const std::string& name) {
  std::istringstream stream(text);
  try {
    toml::value document = toml::parse(stream, name);
    rename_former_keys(document);
    return document;
  } catch (const toml::syntax_error& error) {
    fail(ErrorCode::kBadData, "{}:{}: not TOML: {}", name, error.location().line(),
         library_reason(error.what()));
  }
}

/// Puts the values of `change` in the place of those of `document`, table by table.
void overlay(const toml::value& change, toml::value& document) {
  for (const auto& [key, value] : change.as_table()) {
    toml::value& target = document[key];
    if (value.is_table() && target.is_table()) {
      overlay(value, target);
    } else {
      target = value;
    }
  }
}

}  // namespace

toml::value recipe_document(const std::string& text, const std::string& name,
                            std::span<const std::string> changes) {
  toml::value document = parse_toml(text, name);
  for (const std::string& change : changes) {
    overlay(parse_toml(change, fmt::format("--set '{}'", excerpt(change))), document);
  }
  return document;
}

std::string recipe_text(const std::filesystem::path& path) {
  constexpr std::uint64_t kMaxBytes = 1 << 20;
  const std::vector<std::byte> content = read_file(path, kMaxBytes);
  return std::string(text_of(content));
}

Recipe parse_recipe(const std::string& text, const std::string& name,
                    std::span<const std::string> changes) {
  return recipe_of(recipe_document(text, name, changes), name);
}

std::string to_toml(const Recipe& recipe) {
  return recipe_toml(recipe, kDescribe);
}

Recipe read_recipe(const std::filesystem::path& path, std::span<const std::string> changes) {
  return parse_recipe(recipe_text(path), printable(path), changes);
}

std::filesystem::path find_recipe(const std::filesystem::path& given) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::exists(given, ignored)) return given;
  const bool may_be_ours = given.parent_path().empty() || given.parent_path() == "recipes";
  std::set<std::string> known;
  for (const fs::path& models : models::model_folders()) {
    const fs::path folder = models.parent_path() / "recipes";
    if (may_be_ours) {
      fs::path file = (folder / given.filename()).replace_extension(".toml");
      if (fs::is_regular_file(file, ignored)) return file;
    }
    for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
         entry.increment(ignored)) {
      if (entry->path().extension() == ".toml") known.insert(entry->path().stem().string());
    }
  }
  fail(ErrorCode::kNotFound, "{}: expected a recipe: a file, or one of {}", printable(given),
       known.empty() ? "those that come with the program, which are not installed"
                     : fmt::format("{}", fmt::join(known, ", ")));
}

}  // namespace retinaface::training
