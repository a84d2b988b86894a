#include "retinaface/detector.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"
#include "base/ordered_pipeline.h"
#include "detection/anchors.h"
#include "detection/check_options.h"
#include "detection/decode.h"
#include "detection/detector_factory.h"
#include "detection/face_selection.h"
#include "detection/image_pyramid.h"
#include "detection/nms.h"
#include "detection/preprocess.h"
#include "detection/refinement.h"
#include "detection/stage_times.h"
#include "detection/tiles.h"
#include "geometry/box.h"
#include "image/convert.h"
#include "image/resize.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "models/model_info.h"
#include "runtime/backends/backends.h"

namespace retinaface {
namespace {

/// Cuts boxes off at the image's edges, and drops the faces of those that lie outside.
void clip(std::vector<Face>& faces, const ImageView& image) {
  const Box whole = {0, 0, static_cast<float>(image.width), static_cast<float>(image.height)};
  for (Face& face : faces) face.box = intersection(face.box, whole);
  std::erase_if(faces, [](const Face& face) { return area(face.box) <= 0; });
}

/// What the caller wants of the faces found, which are sorted by score.
void select(std::vector<Face>& faces, const ImageView& image, const DetectOptions& options) {
  std::erase_if(faces, [&](const Face& face) {
    return !detection::is_large_enough(face, options.min_size_px);
  });
  if (options.clip_to_image) clip(faces, image);
  const auto max_faces = static_cast<std::size_t>(options.max_faces);
  if (max_faces > 0 && faces.size() > max_faces) faces.resize(max_faces);
}

/// Moves faces found in a resized image into the frame of the original.
void rescale(std::vector<Face>& faces, float factor_x, float factor_y) {
  for (Face& face : faces) {
    Box& box = face.box;
    box = {box.x0 * factor_x, box.y0 * factor_y, box.x1 * factor_x, box.y1 * factor_y};
    for (Point& point : face.landmarks) point = {point.x * factor_x, point.y * factor_y};
  }
}

void move(Face& face, float x, float y) {
  Box& box = face.box;
  box = {box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y};
  for (Point& point : face.landmarks) point = {point.x + x, point.y + y};
}

}  // namespace

class Detector::Implementation {
 public:
  /// `backend` as runtime::BackendRegistry::make takes it.
  explicit Implementation(const models::LoadedModel& loaded, const std::string& backend = {},
                          const runtime::NetworkOptions& options = {})
      : model_(*loaded.model),
        graph_(loaded.graph),
        origin_(loaded.origin),
        source_(loaded.source),
        network_(runtime::backends().make(loaded.graph, loaded.weights, backend, options)),
        outputs_(models::head_outputs(loaded.graph, model_.detector)) {}

  const runtime::Network& network() const { return *network_; }

  std::vector<Face> detect(ImageView image, const DetectOptions& options) const {
    detection::check_options(options);
    check_view(image, "image");
    const SessionLease session(*this);
    std::vector<Face> faces;
    if (options.scales.empty()) {
      faces = detect_all_sizes(*session, image, options);
    } else {
      for (const float scale : options.scales) {
        const std::vector<Face> found = detect_at(*session, image, scale, options);
        faces.insert(faces.end(), found.begin(), found.end());
      }
    }
    {
      const detection::StageTimer timer(&detection::StageTimes::suppress_ms);
      detection::sort_by_score(faces);
      detection::suppress_overlaps(faces, options.nms_iou);
    }
    select(faces, image, options);
    return faces;
  }

  ModelInfo info(int width, int height) const {
    ModelInfo info = models::info_of(model_, graph_, width, height);
    info.weights_origin = origin_;
    info.weights_source = source_;
    return info;
  }

 private:
  /// Borrows a session from the pool, which grows to the number of threads that detect at once.
  class SessionLease {
   public:
    explicit SessionLease(const Implementation& owner) : owner_(owner) {
      const std::lock_guard lock(owner_.mutex_);
      if (owner_.sessions_.empty()) {
        session_ = owner_.network_->new_session();
      } else {
        session_ = std::move(owner_.sessions_.back());
        owner_.sessions_.pop_back();
      }
    }
    ~SessionLease() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.sessions_.push_back(std::move(session_));
    }
    SessionLease(const SessionLease&) = delete;
    SessionLease& operator=(const SessionLease&) = delete;

    runtime::Session& operator*() const { return *session_; }

   private:
    const Implementation& owner_;
    std::unique_ptr<runtime::Session> session_;
  };

  std::vector<Face> detect_all_sizes(runtime::Session& session, ImageView image,
                                     const DetectOptions& options) const {
    const double area = static_cast<double>(image.width) * image.height;
    double budget_px = model_.detector.search.extra_work * area;
    std::vector<Face> faces;
    std::vector<detection::RefinementCandidate> candidates;
    for (const detection::PyramidLevel& level :
         detection::image_pyramid(model_.detector.search, image.width, image.height)) {
      std::vector<Face> found =
          detect_at(session, image, level.scale, options, level.scale == 1 ? &candidates : nullptr);
      std::erase_if(found, [&](const Face& face) {
        const float side = std::max(face.box.width(), face.box.height());
        return side < level.min_px || side >= level.max_px;
      });
      detection::drop_parts(model_.detector.search, found, faces);
      faces.insert(faces.end(), found.begin(), found.end());
      if (level.scale < 1)
        budget_px -= area * (level.scale * level.scale + model_.detector.search.shrinking_work);
    }
    refine(session, image, budget_px, candidates, options.min_score, faces);
    return faces;
  }

  /// Adds the small faces that the enlarged crops around candidates confirm.
  void refine(runtime::Session& session, ImageView image, double budget_px,
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
    rescale(found, factor, factor);
    for (Face& face : found) {
      const float place = std::floor(face.box.center().x / static_cast<float>(crop_side));
      if (!(place >= 0 && place < static_cast<float>(crops.size()))) continue;
      const detection::RefinementCrop& crop = crops[static_cast<std::size_t>(place)];
      move(face, static_cast<float>(crop.x) - place * static_cast<float>(crop_side),
           static_cast<float>(crop.y));
      if (!detection::is_seen_by(policy, crop, face)) continue;
      face.score = detection::combined_score(
          policy, face.score, detection::candidate_score_of(policy, face, candidates));
      if (face.score >= min_score) faces.push_back(face);
    }
  }

  /// `candidates` is for the image's own size alone.
  std::vector<Face> detect_at(
      runtime::Session& session, ImageView image, float scale, const DetectOptions& options,
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
    rescale(faces, static_cast<float>(image.width) / static_cast<float>(width),
            static_cast<float>(image.height) / static_cast<float>(height));
    return faces;
  }

  /// In one piece, if the image is not larger than a tile.
  std::vector<Face> detect_in_tiles(
      runtime::Session& session, ImageView image, const DetectOptions& options,
      std::vector<detection::RefinementCandidate>* candidates = nullptr) const {
    std::vector<Face> faces;
    const std::int64_t limit = std::int64_t{options.tile_px} * options.tile_px;
    if (limit == 0 || std::int64_t{image.width} * image.height <= limit) {
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
        move(face, origin.x, origin.y);
        if (contains(tile.core, face.box.center())) faces.push_back(face);
      }
      for (detection::RefinementCandidate& candidate : tile_candidates) {
        candidate.center = {candidate.center.x + origin.x, candidate.center.y + origin.y};
        if (contains(tile.core, candidate.center)) candidates->push_back(candidate);
      }
    }
    return faces;
  }

  void run(runtime::Session& session, ImageView image, float min_score, std::vector<Face>& faces,
           std::vector<detection::RefinementCandidate>* candidates = nullptr) const {
    {
      const detection::StageTimer timer(&detection::StageTimes::prepare_ms);
      detection::preprocess(image, model_.network.preprocessing,
                            session.input(1, image.height, image.width).values());
    }
    {
      const detection::StageTimer timer(&detection::StageTimes::forward_ms);
      session.run();
    }
    const detection::StageTimer timer(&detection::StageTimes::decode_ms);
    std::vector<detection::HeadMaps> maps;
    for (const std::vector<std::size_t>& level : outputs_) {
      detection::HeadMaps& heads = maps.emplace_back();
      for (const std::size_t output : level) heads.push_back(session.output(output));
    }
    detection::decode(maps, model_.detector.anchors, model_.detector.heads, min_score, faces);
    if (candidates != nullptr) {
      detection::find_candidates(model_.detector.search,
                                 maps.front()[models::score_head(model_.detector.heads)],
                                 model_.detector.anchors.levels.front(), *candidates);
    }
  }

  const models::Model& model_;
  graph::Graph graph_;
  WeightsOrigin origin_;
  std::string source_;
  std::shared_ptr<const runtime::Network> network_;
  std::vector<std::vector<std::size_t>> outputs_;  // by level, by head
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<runtime::Session>> sessions_;  // not in use
};

Detector::Detector()
    : implementation_(
          std::make_shared<Implementation>(models::load_builtin_model(models::kDefaultModel))) {}

Detector::Detector(const std::filesystem::path& model)
    : implementation_(
          std::make_shared<Implementation>(models::load_model_by_name_or_path(model.string()))) {}

Detector Detector::from_bytes(ArrayView<std::byte> safetensors, const std::string& name) {
  return DetectorFactory::make(models::parse_model(safetensors, name));
}

Detector::Detector(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Detector DetectorFactory::make(const models::LoadedModel& model, const std::string& backend,
                               const runtime::NetworkOptions& options) {
  return Detector(std::make_shared<Detector::Implementation>(model, backend, options));
}

std::vector<runtime::OutputDifference> DetectorFactory::differences(const Detector& detector) {
  return detector.implementation_->network().differences();
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
  const std::size_t wanted = static_cast<std::size_t>(thread_count(threads));
  std::vector<std::vector<Face>> faces;
  std::size_t next = 0;
  run_in_order(
      static_cast<int>(std::min(wanted, images.size())),
      [&] { return next < images.size() ? std::optional(next++) : std::nullopt; },
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
