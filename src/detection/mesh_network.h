#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "graph/graph.h"
#include "mesh/branch.h"
#include "models/load_model.h"
#include "runtime/backend.h"
#include "runtime/session_pool.h"

namespace retinaface::detection {

/// What a detector needs besides to give meshes: its network with one output more a level, the map
/// that its heads are computed of, and the mesh branch. Made when a mesh is first asked for, so
/// that detection alone takes neither its memory nor its time. Safe for several threads.
class MeshNetwork {
 public:
  /// Yields the model once more, its mesh branch with it; null where it was given up.
  using Again = std::function<models::LoadedModel()>;

  /// `model.model` outlives it; `backend` and `options` as runtime::BackendRegistry::make takes
  /// them.
  MeshNetwork(const models::LoadedModel& model, std::string backend,
              runtime::NetworkOptions options, Again again);

  /// Sessions of the network. Throws Error(kUnsupported) where the model was given up.
  runtime::SessionPool& pool() const;

  /// Throws Error: kUnsupported for a model without one, kBadData for one of another network.
  const mesh::Branch& branch() const;

  /// Kinds of anchors (level and size), and channels of the context maps.
  std::pair<std::size_t, std::size_t> head_size() const;

 private:
  void make_pool(const models::LoadedModel& loaded) const;

  const models::Model& model_;
  std::string name_;  ///< in messages
  std::size_t outputs_;
  bool has_mesh_;
  std::string backend_;
  runtime::NetworkOptions options_;
  Again again_;
  mutable std::once_flag pool_once_;
  mutable std::unique_ptr<runtime::SessionPool> pool_;
  mutable std::once_flag branch_once_;
  mutable std::unique_ptr<const mesh::Branch> branch_;
};

}  // namespace retinaface::detection
