#include "detection/mesh_network.h"

#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "models/context_outputs.h"
#include "runtime/backends/backends.h"

namespace retinaface::detection {

MeshNetwork::MeshNetwork(const models::LoadedModel& model, std::string backend,
                         runtime::NetworkOptions options, Again again)
    : model_(*model.model),
      name_(model.source.empty() ? model_.name : model.source),
      outputs_(model.graph.outputs().size()),
      has_mesh_(model.has_mesh()),
      backend_(std::move(backend)),
      options_(std::move(options)),
      again_(std::move(again)) {}

runtime::SessionPool& MeshNetwork::pool() const {
  std::call_once(pool_once_, [&] {
    if (!again_) {
      fail(ErrorCode::kUnsupported, "{}: expected a model's name or file, found one in memory",
           model_.name);
    }
    make_pool(again_());
  });
  return *pool_;
}

void MeshNetwork::make_pool(const models::LoadedModel& loaded) const {
  graph::Graph graph = loaded.graph;
  models::add_context_outputs(graph, model_.detector());
  pool_ = std::make_unique<runtime::SessionPool>(
      runtime::backends().make(graph, loaded.weights, backend_, options_));
}

const mesh::Branch& MeshNetwork::branch() const {
  std::call_once(branch_once_, [&] {
    if (!has_mesh_) {
      fail(ErrorCode::kUnsupported,
           "{}: the model has no mesh branch; leave the mesh out, or train one for it by "
           "`retinaface train recipes/mesh.toml`",
           name_);
    }
    const models::LoadedModel loaded = again_();
    const auto mark = loaded.mesh.metadata.find(models::kMeshMarkKey);
    const std::string expected = models::mesh_mark(loaded.weights);
    if (mark == loaded.mesh.metadata.end() || mark->second != expected) {
      fail(ErrorCode::kBadData,
           "{}: expected a mesh branch that was trained with the network {}, found one of {}; "
           "train it anew by `retinaface train recipes/mesh.toml`",
           name_, expected, mark == loaded.mesh.metadata.end() ? "none" : excerpt(mark->second));
    }
    std::call_once(pool_once_, [&] { make_pool(loaded); });
    const auto [kinds, features] = head_size();
    branch_ = std::make_unique<mesh::Branch>(loaded.mesh, kinds, features, name_);
  });
  return *branch_;
}

std::pair<std::size_t, std::size_t> MeshNetwork::head_size() const {
  constexpr int kSmallestSide = 64;
  std::size_t kinds = 0;
  for (const models::AnchorLevel& level : model_.detector().anchors.levels) {
    kinds += level.sizes_px.size();
  }
  const runtime::SessionLease session(pool());
  session->input(1, kSmallestSide, kSmallestSide);
  session->run();
  return {kinds, static_cast<std::size_t>(session->output(outputs_).channels)};
}

}  // namespace retinaface::detection
