#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "retinaface/model_info.h"

#include "graph/graph.h"
#include "graph/weights.h"
#include "models/catalogue.h"

namespace retinaface::models {

/// What our model files say of their form, in their metadata as "format".
inline constexpr const char* kFileFormat = "1";

/// The metadata's key that tells incomplete weights, and its value where only the backbone is
/// there.
inline constexpr std::string_view kPartKey = "part";
inline constexpr std::string_view kBackbonePart = "backbone";

/// The weights' metadata for a model: "format", "model" and, as JSON, preprocessing and anchors,
/// which other programs read and, of a model that is no row, described_model does
/// (doc/model_format.md).
std::map<std::string, std::string, std::less<>> metadata(const Model& model);

/// Throws Error(kUnsupported), the message starting with `source`, for a model's weights whose
/// "format" is not the one that metadata() writes. Weights that do not say it pass.
void check_format(const graph::Weights& weights, const std::string& source);

/// The double that is written as the float is: 0.1, not 0.10000000149011612.
double as_written(float value);

/// Begins the names of the tensors of a model's mesh branch (mesh/branch.h), which stand beside the
/// network's in its file, and the metadata's key for mesh_mark of the network that they were learnt
/// with: features of another mean nothing to them.
inline constexpr std::string_view kMeshPrefix = "mesh.";
inline constexpr std::string_view kMeshMarkKey = "mesh_network";

/// Takes the mesh branch's tensors, and its mark, out of those of a file; empty if it has none.
graph::Weights take_mesh(graph::Weights& weights);

/// Marks a network by its tensors, the mesh branch's and a calibration's left out: a checksum as
/// text.
std::string mesh_mark(const graph::Weights& weights);

/// A row of the catalogue, or what a file describes, with weights that fit it.
struct LoadedModel {
  const Model* model = nullptr;
  graph::Graph graph;
  graph::Weights weights;
  WeightsOrigin origin = WeightsOrigin::kMemory;
  std::string source = {};  ///< as ModelInfo::weights_source
  /// Whose `model` is, where it is no row of the catalogue.
  std::shared_ptr<const Model> described = {};
  /// Of its mesh branch; no tensors where it has none, or where it was left for later.
  graph::Weights mesh = {};
  /// Yields the same model with its mesh branch, where that was left for later; else null.
  std::function<LoadedModel()> with_mesh = {};

  bool has_mesh() const { return with_mesh != nullptr || !mesh.tensors.empty(); }
  LoadedModel clone() const;
};

/// Throws Error(kUnsupported) for a recogniser, and for a detector of several networks, of which
/// `what` can use one alone.
void expect_one_network_detector(const LoadedModel& model, std::string_view what);

/// Whether the mesh branch, most of a file's bytes, is read at once or when it is first needed
/// (LoadedModel::with_mesh).
enum class MeshReading { kAtOnce, kLater };

/// What the model's file holds: the network's tensors, a calibration's and the mesh branch's, which
/// must have been read.
graph::Weights whole_weights(LoadedModel model);

/// Reads a .safetensors file, as a whole even where a part is left for later. Its metadata names
/// the row or describe the model (described_model.h), and its tensors are those of that. Throws
/// Error, the path first.
LoadedModel load_model(const std::filesystem::path& path,
                       MeshReading mesh_reading = MeshReading::kAtOnce);

/// The same for the bytes of such a file; `name` stands in for the path.
LoadedModel parse_model(std::span<const std::byte> safetensors, const std::string& name);

/// The same for tensors and metadata that are in memory already, such as those that are being
/// trained.
LoadedModel model_of_weights(graph::Weights weights, const std::string& name);

/// The model called `name` whose weights are inside the library. Throws Error(kNotFound) when the
/// catalogue or the library has none.
LoadedModel load_builtin_model(std::string_view name,
                               MeshReading mesh_reading = MeshReading::kAtOnce);

/// What an option like --model takes: the name of a model, or the path of a file. A name is looked
/// for inside the library, then as NAME.safetensors in model_folders() (models/model_files.h); a
/// word that neither has may still be a file in the working directory. What contains '/' or '.' is
/// a path. Throws Error: kNotFound that lists where a name was looked for; kBadData for a file that
/// has a row's name and the weights of another; what load_model throws.
LoadedModel load_model_by_name_or_path(const std::string& name_or_path,
                                       MeshReading mesh_reading = MeshReading::kAtOnce);

}  // namespace retinaface::models
