#include "retinaface/detector.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "detection/anchors.h"
#include "detection/cascade.h"
#include "detection/check_options.h"
#include "detection/decode.h"
#include "detection/detector_factory.h"
#include "detection/face_frame.h"
#include "detection/face_selection.h"
#include "detection/image_pyramid.h"
#include "detection/nms.h"
#include "detection/plausibility.h"
#include "detection/refinement.h"
#include "detection/run_on_image.h"
#include "detection/second_look.h"
#include "detection/stage_times.h"
#include "detection/tiles.h"
#include "detection/turned_heads.h"
#include "geometry/box.h"
#include "image/convert.h"
#include "image/resize.h"
#include "mesh/branch.h"
#include "models/catalogue.h"
#include "models/context_outputs.h"
#include "models/input_shape.h"
#include "models/load_model.h"
#include "models/model_info.h"
#include "runtime/backends/backends.h"
#include "runtime/backends/type_name.h"
#include "runtime/session_pool.h"

namespace retinaface {
namespace {

/// The part of a box that lies in the image.
Box clipped(const Box& box, const ImageView& image) {
  return intersection(box,
                      {0, 0, static_cast<float>(image.width), static_cast<float>(image.height)});
}

/// What the caller wants of the faces found, which are sorted by score.
void select(std::vector<Face>& faces, const ImageView& image, const DetectOptions& options) {
  std::erase_if(faces, [&](const Face& face) {
    return !detection::is_large_enough(face, options.min_size_px);
  });
  if (options.clip_to_image) {
    std::erase_if(faces, [&](const Face& face) { return area(clipped(face.box, image)) <= 0; });
  }
  const auto max_faces = static_cast<std::size_t>(options.max_faces);
  if (max_faces > 0 && faces.size() > max_faces) faces.resize(max_faces);
}

/// Throws Error where the model is no detector.
const models::Model& detector_of(const models::LoadedModel& loaded) {
  if (!loaded.model->detector.anchors.levels.empty() || loaded.model->cascade) {
    return *loaded.model;
  }
  fail(ErrorCode::kUnsupported, "{}: expected a detector, found {}",
       loaded.source.empty() ? loaded.model->name : excerpt(loaded.source),
       loaded.model->recognizer ? "a recogniser, which --recognizer takes" : "none");
}

}  // namespace

class Detector::Implementation {
 public:
  /// `backend` and `options` as runtime::BackendRegistry::make takes them. `again` yields the same
  /// model once more.
  Implementation(const models::LoadedModel& loaded, const std::string& backend,
                 const runtime::NetworkOptions& options, std::function<models::LoadedModel()> again)
      : described_(loaded.described),
        model_(detector_of(loaded)),
        graph_(loaded.graph),
        origin_(loaded.origin),
        source_(loaded.source),
        has_mesh_(loaded.has_mesh()),
        backend_(backend),
        options_(options),
        again_(std::move(again)),
        pool_(runtime::backends().make(loaded.graph, loaded.weights, backend, options)),
        cascade_(model_.cascade
                     ? std::make_unique<const detection::Cascade>(loaded, backend, options)
                     : nullptr),
        outputs_(models::head_outputs(loaded.graph, model_.detector)) {}

  std::vector<runtime::OutputDifference> differences() const {
    std::vector<runtime::OutputDifference> all = pool_.network().differences();
    if (cascade_ == nullptr) return all;
    const std::vector<runtime::OutputDifference> stages = cascade_->differences();
    all.insert(all.end(), stages.begin(), stages.end());
    return all;
  }

  std::vector<Face> detect(ImageView image, const DetectOptions& options) const {
    detection::check_options(options);
    check_view(image, "image");
    const mesh::Branch* const branch = options.mesh ? &mesh_branch() : nullptr;
    const runtime::SessionLease lease(options.mesh ? mesh_network() : pool_);
    const OpenSession session = {*lease, options.mesh};
    std::vector<Face> faces;
    if (options.scales.empty() && cascade_ == nullptr) {
      faces = detect_all_sizes(session, image, options);
    } else {
      // A cascade looks for all sizes by itself, from its smallest face on.
      constexpr float kOwnSize[] = {1};
      for (const float scale :
           options.scales.empty() ? std::span(kOwnSize) : std::span<const float>(options.scales)) {
        const std::vector<Face> found = detect_at(session, image, scale, options);
        faces.insert(faces.end(), found.begin(), found.end());
      }
    }
    {
      const detection::StageTimer timer(&detection::StageTimes::suppress_ms);
      detection::sort_by_score(faces);
      detection::suppress_overlaps(faces, options.nms_iou);
      // Who keeps all boxes that overlap merges them in another way.
      if (options.nms_iou < 1 && model_.detector.search.drops_implausible) {
        detection::drop_implausible(faces);
      }
    }
    if (options.nms_iou < 1 && model_.detector.search.drops_implausible) {
      drop_unconfirmed(session, image, faces);
    }
    select(faces, image, options);
    for (Face& face : faces) {
      std::optional<detection::UprightHead> upright;
      if (options.turned) upright = upright_head(session, image, face);
      if (upright) face.landmarks = upright->landmarks();
      if (branch != nullptr) {
        add_mesh(*branch, image, options.refine_mesh, upright ? &*upright : nullptr, face);
      }
    }
    if (options.clip_to_image) {
      for (Face& face : faces) face.box = clipped(face.box, image);
    }
    return faces;
  }

  std::vector<Face> anchor_faces(ImageView image, float min_score) const {
    check_view(image, "image");
    const runtime::SessionLease lease(mesh_network());
    std::vector<Face> faces;
    run({*lease, true}, image, min_score, faces);
    return faces;
  }

  std::pair<std::size_t, std::size_t> mesh_head_size() const {
    std::size_t kinds = 0;
    for (const models::AnchorLevel& level : model_.detector.anchors.levels) {
      kinds += level.sizes_px.size();
    }
    const runtime::SessionLease session(mesh_network());
    session->input(1, kSmallestSide, kSmallestSide);
    session->run();
    return {kinds, static_cast<std::size_t>(session->output(graph_.outputs().size()).channels)};
  }

  ModelInfo info(int width, int height) const {
    ModelInfo info = models::info_of(model_, graph_, width, height);
    info.weights_origin = origin_;
    info.weights_source = source_;
    return info;
  }

 private:
  struct OpenSession {
    runtime::Session& session;
    bool gives_context = false;  ///< its network has the outputs of mesh_network
  };

  static constexpr int kSmallestSide = 64;

  /// The same network with one output more a level: the map that its heads are computed of. Made
  /// when a mesh is first asked for, so that detection alone neither takes its memory nor its time.
  runtime::SessionPool& mesh_network() const {
    std::call_once(mesh_network_once_, [&] {
      if (!again_) {
        fail(ErrorCode::kUnsupported, "{}: expected a model's name or file, found one in memory",
             model_.name);
      }
      make_mesh_network(again_());
    });
    return *mesh_pool_;
  }

  void make_mesh_network(const models::LoadedModel& loaded) const {
    graph::Graph graph = loaded.graph;
    models::add_context_outputs(graph, model_.detector);
    mesh_pool_ = std::make_unique<runtime::SessionPool>(
        runtime::backends().make(graph, loaded.weights, backend_, options_));
  }

  const mesh::Branch& mesh_branch() const {
    std::call_once(mesh_branch_once_, [&] {
      const std::string name = source_.empty() ? model_.name : source_;
      if (!has_mesh_) {
        fail(ErrorCode::kUnsupported,
             "{}: the model has no mesh branch; leave the mesh out, or train one for it by "
             "`retinaface train recipes/mesh.toml`",
             name);
      }
      const models::LoadedModel loaded = again_();
      const auto mark = loaded.mesh.metadata.find(models::kMeshMarkKey);
      const std::string expected = models::mesh_mark(loaded.weights);
      if (mark == loaded.mesh.metadata.end() || mark->second != expected) {
        fail(ErrorCode::kBadData,
             "{}: expected a mesh branch that was trained with the network {}, found one of {}; "
             "train it anew by `retinaface train recipes/mesh.toml`",
             name, expected, mark == loaded.mesh.metadata.end() ? "none" : excerpt(mark->second));
      }
      std::call_once(mesh_network_once_, [&] { make_mesh_network(loaded); });
      const auto [kinds, features] = mesh_head_size();
      mesh_branch_ = std::make_unique<mesh::Branch>(loaded.mesh, kinds, features, name);
    });
    return *mesh_branch_;
  }

  /// The mesh of a head that does not stand upright is that of the view in which it does: the
  /// branch knows no others.
  static void add_mesh(const mesh::Branch& branch, const ImageView& image, bool refines,
                       detection::UprightHead* upright, Face& face) {
    const std::size_t features = branch.head().features();
    const detection::AnchorFeatures anchor = detection::take_mesh_features(face, features);
    if (upright == nullptr) {
      face.mesh = branch.mesh(anchor.kind, anchor.features, face, image, refines);
      return;
    }
    const detection::AnchorFeatures seen = detection::take_mesh_features(upright->face, features);
    face.mesh = detection::mesh_in_image(
        branch.mesh(seen.kind, seen.features, upright->face, upright->view, refines),
        upright->image_from_view);
  }

  std::vector<Face> detect_all_sizes(const OpenSession& session, ImageView image,
                                     const DetectOptions& options) const {
    const models::SearchPolicy& search = model_.detector.search;
    const double area = static_cast<double>(image.width) * image.height;
    double budget_px = search.extra_work * area;
    const bool is_choosy =
        static_cast<float>(std::max(image.width, image.height)) >= search.choosy_from_px;
    const float min_enlarged_score = is_choosy ? search.min_enlarged_score : 0.0F;
    std::vector<Face> faces;
    std::vector<detection::RefinementCandidate> candidates;
    bool is_enlarged = false;
    for (const detection::PyramidLevel& level :
         detection::image_pyramid(search, image.width, image.height)) {
      if (level.scale > 1 &&
          !detection::has_unknown(search, candidates, faces, min_enlarged_score)) {
        continue;
      }
      is_enlarged |= level.scale > 1;
      std::vector<Face> found =
          detect_at(session, image, level.scale, options, level.scale == 1 ? &candidates : nullptr);
      std::erase_if(found, [&](const Face& face) {
        const float side = std::max(face.box.width(), face.box.height());
        return side < level.min_px || side >= level.max_px;
      });
      detection::drop_parts(search, found, faces);
      faces.insert(faces.end(), found.begin(), found.end());
      if (level.scale < 1) budget_px -= area * (level.scale * level.scale + search.shrinking_work);
    }
    // What has been seen enlarged altogether needs no enlarged crops.
    if (!is_enlarged) refine(session, image, budget_px, candidates, options.min_score, faces);
    return faces;
  }

  /// Adds the small faces that the enlarged crops around candidates confirm.
  void refine(const OpenSession& session, ImageView image, double budget_px,
              const std::vector<detection::RefinementCandidate>& candidates, float min_score,
              std::vector<Face>& faces) const {
    const models::SearchPolicy& policy = model_.detector.search;
    const std::vector<detection::RefinementCrop> crops = detection::refinement_crops(
        policy, candidates, faces, image.width, image.height, budget_px);
    if (crops.empty()) return;
    // Side by side in one image, which the network runs over once.
    const int crop_side = policy.crop_side_px;
    const int side = crop_side * policy.crop_scale;
    const std::size_t row_bytes = 3 * static_cast<std::size_t>(side);
    Image strip(side * static_cast<int>(crops.size()), side);
    for (std::size_t i = 0; i < crops.size(); ++i) {
      const detection::StageTimer timer(&detection::StageTimes::resize_ms);
      const Image crop =
          resize(part_of(image, crops[i].x, crops[i].y, crop_side, crop_side), side, side);
      for (int y = 0; y < side; ++y) {
        std::memcpy(strip.row(y) + row_bytes * i, crop.row(y), row_bytes);
      }
    }
    std::vector<Face> found;
    run(session, strip, policy.min_candidate_score, found);
    const float factor = 1 / static_cast<float>(policy.crop_scale);
    detection::rescale(found, factor, factor);
    for (Face& face : found) {
      const float place = std::floor(face.box.center().x / static_cast<float>(crop_side));
      if (!(place >= 0 && place < static_cast<float>(crops.size()))) continue;
      const detection::RefinementCrop& crop = crops[static_cast<std::size_t>(place)];
      detection::move(face, static_cast<float>(crop.x) - place * static_cast<float>(crop_side),
                      static_cast<float>(crop.y));
      if (!detection::is_seen_by(policy, crop, face)) continue;
      face.score = detection::combined_score(
          policy, face.score, detection::candidate_score_of(policy, face, candidates));
      if (face.score >= min_score) faces.push_back(face);
    }
  }

  /// Removes large faces that are none when they are seen again.
  void drop_unconfirmed(const OpenSession& session, ImageView image,
                        std::vector<Face>& faces) const {
    std::erase_if(faces, [&](const Face& face) {
      if (!detection::SecondLook::is_due(face)) return false;
      const detection::SecondLook look(image, face.box);
      std::vector<Face> found;
      run(session, look.view(), detection::SecondLook::kMinScore, found);
      return !look.confirms(found);
    });
  }

  /// The head of a face that is turned far, as it is seen upright.
  std::optional<detection::UprightHead> upright_head(const OpenSession& session, ImageView image,
                                                     const Face& face) const {
    const detection::TurnedViews views(image, face.box);
    std::vector<Face> found;
    run(session, views.strip(), detection::TurnedViews::kMinScore, found);
    return views.upright(found);
  }

  /// `candidates` is for the image's own size alone.
  std::vector<Face> detect_at(
      const OpenSession& session, ImageView image, float scale, const DetectOptions& options,
      std::vector<detection::RefinementCandidate>* candidates = nullptr) const {
    const auto scaled = [&](int side) {
      const std::int64_t result = std::llround(static_cast<float>(side) * scale);
      if (result > kMaxImageSide) {
        fail(ErrorCode::kTooLarge, "image: {}x{} pixels at the scale {}: no side may be over {}",
             image.width, image.height, scale, kMaxImageSide);
      }
      return static_cast<int>(std::max<std::int64_t>(1, result));
    };
    const int width = scaled(image.width);
    const int height = scaled(image.height);
    if (width == image.width && height == image.height) {
      return detect_in_tiles(session, image, options, candidates);
    }
    const Image resized = [&] {
      const detection::StageTimer timer(&detection::StageTimes::resize_ms);
      return resize(image, width, height);
    }();
    std::vector<Face> faces = detect_in_tiles(session, resized, options);
    detection::rescale(faces, static_cast<float>(image.width) / static_cast<float>(width),
                       static_cast<float>(image.height) / static_cast<float>(height));
    return faces;
  }

  /// In one piece, if the image is not larger than a tile.
  std::vector<Face> detect_in_tiles(
      const OpenSession& session, ImageView image, const DetectOptions& options,
      std::vector<detection::RefinementCandidate>* candidates = nullptr) const {
    std::vector<Face> faces;
    const std::int64_t limit = std::int64_t{options.tile_px} * options.tile_px;
    const bool bounds_itself = cascade_ != nullptr;
    if (bounds_itself || limit == 0 || std::int64_t{image.width} * image.height <= limit) {
      run(session, image, options.min_score, faces, candidates);
      return faces;
    }
    for (const detection::Tile& tile :
         detection::cut_into_tiles(image.width, image.height, options.tile_px,
                                   detection::coarsest_stride(model_.detector.anchors))) {
      std::vector<Face> found;
      std::vector<detection::RefinementCandidate> tile_candidates;
      run(session, part_of(image, tile.x, tile.y, tile.width, tile.height), options.min_score,
          found, candidates == nullptr ? nullptr : &tile_candidates);
      const Point origin = {static_cast<float>(tile.x), static_cast<float>(tile.y)};
      for (Face& face : found) {
        detection::move(face, origin.x, origin.y);
        if (contains(tile.core, face.box.center())) faces.push_back(face);
      }
      for (detection::RefinementCandidate& candidate : tile_candidates) {
        candidate.center = {candidate.center.x + origin.x, candidate.center.y + origin.y};
        if (contains(tile.core, candidate.center)) candidates->push_back(candidate);
      }
    }
    return faces;
  }

  void run(const OpenSession& open, ImageView image, float min_score, std::vector<Face>& faces,
           std::vector<detection::RefinementCandidate>* candidates = nullptr) const {
    if (cascade_ != nullptr) {
      faces = cascade_->find(open.session, image, min_score);
      return;
    }
    const graph::Shape shape =
        models::input_shape(model_.network, graph_, image.width, image.height);
    runtime::Session& session = open.session;
    detection::run_on_image(session, image, model_.network.preprocessing, shape.h, shape.w);
    const detection::StageTimer timer(&detection::StageTimes::decode_ms);
    std::vector<detection::HeadMaps> maps;
    for (const std::vector<std::size_t>& level : outputs_) {
      detection::HeadMaps& heads = maps.emplace_back();
      for (const std::size_t output : level) heads.push_back(session.output(output));
    }
    detection::MeshFeatures features;
    if (open.gives_context) {
      for (std::size_t level = 0; level < outputs_.size(); ++level) {
        features.context.push_back(session.output(graph_.outputs().size() + level));
      }
    }
    detection::decode(maps, model_.detector.anchors, model_.detector.heads, min_score, faces,
                      features.context.empty() ? nullptr : &features);
    if (candidates != nullptr) {
      const auto& heads = model_.detector.heads;
      const auto head =
          std::ranges::find(heads, models::HeadMeaning::kScore, &models::Head::meaning);
      detection::find_candidates(model_.detector.search,
                                 maps.front()[static_cast<std::size_t>(head - heads.begin())],
                                 *head, model_.detector.anchors.levels.front(), *candidates);
    }
  }

  std::shared_ptr<const models::Model> described_;
  const models::Model& model_;
  graph::Graph graph_;
  WeightsOrigin origin_;
  std::string source_;
  bool has_mesh_;
  std::string backend_;
  runtime::NetworkOptions options_;
  std::function<models::LoadedModel()> again_;
  mutable runtime::SessionPool pool_;
  std::unique_ptr<const detection::Cascade> cascade_;  // null: anchors find the faces
  std::vector<std::vector<std::size_t>> outputs_;      // by level, by head
  mutable std::once_flag mesh_network_once_;
  mutable std::unique_ptr<runtime::SessionPool> mesh_pool_;
  mutable std::once_flag mesh_branch_once_;
  mutable std::unique_ptr<const mesh::Branch> mesh_branch_;
};

Detector::Detector() : Detector(models::kDefaultModel) {}

Detector::Detector(const RuntimeOptions& runtime) : Detector(models::kDefaultModel, runtime) {}

Detector::Detector(const std::filesystem::path& model) : Detector(model, RuntimeOptions{}) {}

Detector::Detector(const std::filesystem::path& model, const RuntimeOptions& runtime)
    : Detector(DetectorFactory::make(
          models::load_model_by_name_or_path(model.string(), models::MeshReading::kLater),
          runtime)) {}

Detector Detector::from_bytes(ArrayView<std::byte> safetensors, const std::string& name,
                              const RuntimeOptions& runtime) {
  return DetectorFactory::make(models::parse_model(safetensors, name), runtime);
}

Detector::Detector(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Detector DetectorFactory::make(const models::LoadedModel& model, const RuntimeOptions& runtime) {
  return make(
      model, runtime.backend,
      {.type = runtime::type_of(runtime.type, model.graph, model.weights, runtime.backend)});
}

Detector DetectorFactory::make(const models::LoadedModel& model, const std::string& backend,
                               const runtime::NetworkOptions& options) {
  std::function<models::LoadedModel()> again;
  if (model.with_mesh) {
    again = model.with_mesh;
  } else if (model.origin == WeightsOrigin::kBuiltIn) {
    again = [name = model.model->name] { return models::load_builtin_model(name); };
  } else if (!model.mesh.tensors.empty()) {
    // Its file, if it has one, may be another one by then.
    again = [kept = std::make_shared<const models::LoadedModel>(model.clone())] {
      return kept->clone();
    };
  } else if (model.origin == WeightsOrigin::kFile) {
    again = [source = model.source] { return models::load_model(source); };
  }  // else it was given up: nothing asks for it but anchor_faces
  try {
    return Detector(
        std::make_shared<Detector::Implementation>(model, backend, options, std::move(again)));
  } catch (const Error& error) {
    if (options.type == graph::DataType::kFloat32 || error.code() != ErrorCode::kUnsupported) throw;
    fail(error.code(), "{}: {}", model.model->name, error.what());  // one of several, perhaps
  }
}

std::vector<Face> DetectorFactory::anchor_faces(const Detector& detector, const ImageView& image,
                                                float min_score) {
  return detector.implementation_->anchor_faces(image, min_score);
}

std::pair<std::size_t, std::size_t> DetectorFactory::mesh_head_size(const Detector& detector) {
  return detector.implementation_->mesh_head_size();
}

std::vector<runtime::OutputDifference> DetectorFactory::differences(const Detector& detector) {
  return detector.implementation_->differences();
}

Detector::~Detector() = default;
Detector::Detector(const Detector&) = default;
Detector& Detector::operator=(const Detector&) = default;
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;

std::vector<std::vector<Face>> Detector::detect_batch(ArrayView<ImageView> images,
                                                      const DetectOptions& options,
                                                      int threads) const {
  detection::check_options(options);  // which is no image's fault
  if (threads < 0) {
    fail(ErrorCode::kInvalidArgument, "threads: expected 0 or more, found {}", threads);
  }
  std::vector<std::vector<Face>> faces;
  run_over(
      thread_count(threads), images.size(),
      [&](std::size_t i) {
        try {
          return detect(images[i], options);
        } catch (const Error& error) {
          fail(error.code(), "images[{}]: {}", i, error.what());
        }
      },
      [&](std::vector<Face> found) { faces.push_back(std::move(found)); });
  return faces;
}

std::vector<Face> Detector::detect(const ImageView& image, const DetectOptions& options) const {
  return implementation_->detect(image, options);
}

ModelInfo Detector::info(int width, int height) const {
  return implementation_->info(width, height);
}

}  // namespace retinaface
