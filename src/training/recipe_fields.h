#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/file.h"
#include "training/recipe_table.h"
#include "training/recipe_writer.h"

namespace retinaface::training {

// Recipes of any kind, as their keys are described once for both directions: `describe(fields,
// recipe)` is called with a Table or a RecipeWriter.

/// Whether a recipe's file has the table `key`. Throws as read_recipe does.
inline bool recipe_has(const std::filesystem::path& path, const std::string& key) {
  return recipe_document(recipe_text(path), printable(path), {}).contains(key);
}

/// The recipe in a document; keys that it has not are as the recipe begins. Throws
/// Error(kBadData).
template <typename Recipe, typename Describe>
Recipe recipe_in(const toml::value& document, const Describe& describe) {
  Recipe recipe;
  Table all(document, "");
  describe(all, recipe);
  all.refuse_unknown();
  return recipe;
}

/// The recipe in a file, with `changes`. Throws as read_recipe does.
template <typename Recipe, typename Describe>
Recipe recipe_in(const std::filesystem::path& path, std::span<const std::string> changes,
                 const Describe& describe) {
  return recipe_in<Recipe>(recipe_document(recipe_text(path), printable(path), changes), describe);
}

/// All keys and values of a recipe.
template <typename Recipe, typename Describe>
std::string recipe_toml(Recipe recipe, const Describe& describe) {
  RecipeWriter writer;  // the fields are described by mutable references
  describe(writer, recipe);
  return writer.result();
}

}  // namespace retinaface::training
