#include "retinaface/detector.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/run_batch.h"
#include "detection/cascade.h"
#include "detection/check_options.h"
#include "detection/decode.h"
#include "detection/detector_factory.h"
#include "detection/face_frame.h"
#include "detection/face_selection.h"
#include "detection/mesh_network.h"
#include "detection/refinement.h"
#include "detection/run_on_image.h"
#include "detection/search.h"
#include "detection/stage_times.h"
#include "image/convert.h"
#include "models/catalogue.h"
#include "models/input_shape.h"
#include "models/load_model.h"
#include "models/model_info.h"
#include "runtime/backends/backends.h"
#include "runtime/backends/type_name.h"

namespace retinaface {
namespace {

/// Those of the faces found that the caller wants.
std::vector<Face> selected(std::vector<Face> found, const ImageView& image,
                           const DetectOptions& options) {
  std::vector<Face> faces;
  for (const std::size_t i : detection::select_faces(found, options, image.width, image.height)) {
    faces.push_back(std::move(found[i]));
  }
  return faces;
}

/// Throws Error where the model is no detector.
const models::Model& detector_of(const models::LoadedModel& loaded) {
  if (loaded.model->find_recognizer() == nullptr) return *loaded.model;
  fail(ErrorCode::kUnsupported,
       "{}: expected a detector, found a recogniser, which makes vectors of the faces that one "
       "finds",
       loaded.source.empty() ? loaded.model->name : excerpt(loaded.source));
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
        pool_(runtime::backends().make(loaded.graph, loaded.weights, backend, options)),
        mesh_(loaded, backend, options, std::move(again)),
        cascade_(model_.find_cascade() != nullptr
                     ? std::make_unique<const detection::Cascade>(loaded, backend, options)
                     : nullptr),
        outputs_(cascade_ != nullptr ? decltype(outputs_)()
                                     : models::head_outputs(loaded.graph, model_.detector())) {}

  std::vector<runtime::OutputDifference> differences() const {
    std::vector<runtime::OutputDifference> all = pool_.network().differences();
    if (cascade_ == nullptr) return all;
    const std::vector<runtime::OutputDifference> stages = cascade_->differences();
    all.insert(all.end(), stages.begin(), stages.end());
    return all;
  }

  std::vector<Face> whole_faces(ImageView image, const DetectOptions& options) const {
    detection::check_options(options);
    check_view(image, "image");
    const mesh::Branch* const branch = options.mesh ? &mesh_.branch() : nullptr;
    const runtime::SessionLease lease(options.mesh ? mesh_.pool() : pool_);
    const detection::Search search = search_by({*lease, options.mesh});
    std::vector<Face> faces = selected(search.find(image, options), image, options);
    for (Face& face : faces) {
      std::optional<detection::UprightHead> upright;
      if (options.turned) upright = search.upright_head(image, face);
      if (upright) face.landmarks = upright->landmarks();
      if (branch != nullptr) {
        add_mesh(*branch, image, options.refine_mesh, upright ? &*upright : nullptr, face);
      }
    }
    return faces;
  }

  std::vector<Face> detect(ImageView image, const DetectOptions& options) const {
    std::vector<Face> faces = whole_faces(image, options);
    if (options.clip_to_image) {
      for (Face& face : faces) {
        face.box = detection::clipped(face.box, image.width, image.height);
      }
    }
    return faces;
  }

  void check_mesh() const { mesh_.branch(); }

  std::vector<Face> anchor_faces(ImageView image, float min_score) const {
    check_view(image, "image");
    const runtime::SessionLease lease(mesh_.pool());
    std::vector<Face> faces;
    run({*lease, true}, image, min_score, faces, nullptr);
    return faces;
  }

  std::pair<std::size_t, std::size_t> mesh_head_size() const { return mesh_.head_size(); }

  ModelInfo info(int width, int height) const {
    ModelInfo info = models::info_of(model_, graph_, width, height);
    info.weights_origin = origin_;
    info.weights_source = source_;
    return info;
  }

 private:
  struct OpenSession {
    runtime::Session& session;
    bool gives_context = false;  ///< it is one of mesh_
  };

  /// Of what the network finds by the session.
  detection::Search search_by(const OpenSession& open) const {
    // Not a lambda, whose type the library would export as that of a member.
    return {model_, std::bind_front(&Implementation::run, this, open)};
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

  void run(const OpenSession& open, ImageView image, float min_score, std::vector<Face>& faces,
           std::vector<detection::RefinementCandidate>* candidates) const {
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
    detection::decode(maps, model_.detector().anchors, model_.detector().heads, min_score, faces,
                      features.context.empty() ? nullptr : &features);
    if (candidates != nullptr) {
      const auto& heads = model_.detector().heads;
      const auto head =
          std::ranges::find(heads, models::HeadMeaning::kScore, &models::Head::meaning);
      detection::find_candidates(model_.detector().search,
                                 maps.front()[static_cast<std::size_t>(head - heads.begin())],
                                 *head, model_.detector().anchors.levels.front(), *candidates);
    }
  }

  std::shared_ptr<const models::Model> described_;
  const models::Model& model_;
  graph::Graph graph_;
  WeightsOrigin origin_;
  std::string source_;
  mutable runtime::SessionPool pool_;
  detection::MeshNetwork mesh_;
  std::unique_ptr<const detection::Cascade> cascade_;  // null: anchors find the faces
  std::vector<std::vector<std::size_t>> outputs_;      // by level, by head
};

Detector::Detector() : Detector(models::kDefaultModel) {}

Detector::Detector(const RuntimeOptions& runtime) : Detector(models::kDefaultModel, runtime) {}

Detector::Detector(const std::filesystem::path& model) : Detector(model, RuntimeOptions{}) {}

Detector::Detector(const std::filesystem::path& model, const RuntimeOptions& runtime)
    : Detector(detection::DetectorFactory::make(
          models::load_model_by_name_or_path(model.string(), models::MeshReading::kLater),
          runtime)) {}

Detector Detector::from_bytes(ArrayView<std::byte> safetensors, const std::string& name,
                              const RuntimeOptions& runtime) {
  return detection::DetectorFactory::make(models::parse_model(safetensors, name), runtime);
}

Detector::Detector(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Detector detection::DetectorFactory::make(const models::LoadedModel& model,
                                          const RuntimeOptions& runtime) {
  return make(
      model, runtime.backend,
      {.type = runtime::type_of(runtime.type, model.graph, model.weights, runtime.backend)});
}

Detector detection::DetectorFactory::make(const models::LoadedModel& model,
                                          const std::string& backend,
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

std::vector<Face> detection::DetectorFactory::whole_faces(const Detector& detector,
                                                          const ImageView& image,
                                                          const DetectOptions& options) {
  return detector.implementation_->whole_faces(image, options);
}

void detection::DetectorFactory::check_mesh(const Detector& detector) {
  detector.implementation_->check_mesh();
}

std::vector<Face> detection::DetectorFactory::anchor_faces(const Detector& detector,
                                                           const ImageView& image,
                                                           float min_score) {
  return detector.implementation_->anchor_faces(image, min_score);
}

std::pair<std::size_t, std::size_t> detection::DetectorFactory::mesh_head_size(
    const Detector& detector) {
  return detector.implementation_->mesh_head_size();
}

std::vector<runtime::OutputDifference> detection::DetectorFactory::differences(
    const Detector& detector) {
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
  return run_batch("images", images.size(), threads,
                   [&](std::size_t i) { return detect(images[i], options); });
}

std::vector<Face> Detector::detect(const ImageView& image, const DetectOptions& options) const {
  return implementation_->detect(image, options);
}

ModelInfo Detector::info(int width, int height) const {
  return implementation_->info(width, height);
}

}  // namespace retinaface
