#include "training/mesh_recipe.h"

#include "base/file.h"
#include "training/mesh_loss_fields.h"
#include "training/recipe_fields.h"

namespace retinaface::training {
namespace {

constexpr double kMany = 1e6;

// The keys of a recipe, once for both directions: Fields is a Table or a RecipeWriter.

template <typename Fields>
void stage_fields(Fields& recipe, const std::string& name, MeshStage& stage) {
  recipe.table(name, [&](Fields& table) {
    table.whole("epochs", stage.epochs, 0, 1'000'000);
    table.number("learning_rate", stage.learning_rate, 0, 100);
  });
}

template <typename Fields>
void recipe_fields(Fields& all, MeshRecipe& recipe) {
  all.table("mesh", [&](Fields& table) {
    table.whole("batch", recipe.batch, 1, 100'000);
    table.whole("variants", recipe.variants, 1, 1000);
    table.range("face_px", recipe.min_face_px, recipe.max_face_px, 8, 512);
    table.number("turn_degrees", recipe.turn_degrees, 0, 180);
    table.number("cut", recipe.cut, 0, 1);
    table.flag("all_points", recipe.all_points);
    table.number("weight_decay", recipe.weight_decay, 0, 1);
  });
  all.table("loss", [&](Fields& table) {
    MeshLossOptions& loss = recipe.loss;
    mesh_loss_fields(table, loss);
    table.number("points_weight", loss.points_weight, 0, kMany);
    table.number("outline_weight", loss.outline_weight, 0, kMany);
    table.number("vertex_weight", loss.vertex_weight, 0, kMany);
    table.number("edge_weight", loss.edge_weight, 0, kMany);
  });
  stage_fields(all, "points", recipe.points);
  stage_fields(all, "colors", recipe.colors);
  stage_fields(all, "all", recipe.all);
}

constexpr auto kDescribe = [](auto& fields, auto& recipe) { recipe_fields(fields, recipe); };

}  // namespace

bool is_mesh_recipe(const std::filesystem::path& path) {
  return recipe_has(path, "mesh");
}

MeshRecipe read_mesh_recipe(const std::filesystem::path& path,
                            std::span<const std::string> changes) {
  return recipe_in<MeshRecipe>(path, changes, kDescribe);
}

std::string to_toml(const MeshRecipe& recipe) {
  return recipe_toml(recipe, kDescribe);
}

}  // namespace retinaface::training
