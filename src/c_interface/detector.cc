// Detection, and what is known of models.

#include <algorithm>
#include <string>
#include <type_traits>

#include "c_interface/objects.h"
#include "detection/check_options.h"

using namespace retinaface::c_interface;

namespace {

std::unique_ptr<rf_faces> faces_of(std::vector<retinaface::Face> found) {
  auto faces = std::make_unique<rf_faces>();
  for (retinaface::Face& face : found) {
    faces->faces.push_back(to_c(face));
    faces->values.push_back(std::move(face.values));
    faces->meshes.push_back(std::move(face.mesh));
  }
  return faces;
}

template <typename Change>
rf_status change_options(rf_detect_options* options, Change change) noexcept {
  return changed(options, change, [](const retinaface::DetectOptions& changed_options) {
    retinaface::detection::check_options(changed_options);
  });
}

rf_status change_runtime(rf_runtime_options* options, const char* name, const char* what,
                         std::string retinaface::RuntimeOptions::*field) noexcept {
  return changed(
      options,
      [&](retinaface::RuntimeOptions& changing) {
        expect(name, what);
        changing.*field = name;
      },
      [](const auto&) {});
}

/// The model at place i; null beyond the last.
const retinaface::ModelInfo* find(const rf_models* models, std::size_t i) {
  return models != nullptr && i < models->models.size() ? &models->models[i] : nullptr;
}

/// The mesh of face i; null where there is none.
const retinaface::FaceMesh* find_mesh(const rf_faces* faces, std::size_t i) {
  return i < rf_faces_count(faces) && faces->meshes[i] ? &*faces->meshes[i] : nullptr;
}

/// The same. Throws Error(kInvalidArgument) where there is none.
const retinaface::FaceMesh& expect_mesh(const rf_faces* faces, std::size_t i) {
  if (const retinaface::FaceMesh* const mesh = find_mesh(faces, i)) return *mesh;
  throw retinaface::Error(retinaface::ErrorCode::kInvalidArgument,
                          "i: expected a face with a mesh, which rf_detect_options_set_mesh() asks "
                          "for, found none");
}

static_assert(sizeof(retinaface::MeshVertex) == sizeof(rf_mesh_vertex) &&
                  sizeof(retinaface::MeshColor) == sizeof(rf_mesh_color),
              "vertices and colors are handed out as they lie");
static_assert(std::is_same_v<std::int32_t, int>, "strides are handed out as they lie");

}  // namespace

rf_status rf_detector_new(const char* model, rf_detector** result) {
  return rf_detector_new_with(model, nullptr, result);
}

rf_status rf_detector_new_with(const char* model, const rf_runtime_options* runtime,
                               rf_detector** result) {
  return made(result, [&] {
    const retinaface::RuntimeOptions options = options_of(runtime);
    return std::make_unique<rf_detector>(rf_detector{
        model == nullptr ? retinaface::Detector(options) : retinaface::Detector(model, options)});
  });
}

rf_status rf_detector_from_memory(const void* bytes, size_t size, const char* name,
                                  rf_detector** result) {
  return rf_detector_from_memory_with(bytes, size, name, nullptr, result);
}

rf_status rf_detector_from_memory_with(const void* bytes, size_t size, const char* name,
                                       const rf_runtime_options* runtime, rf_detector** result) {
  return made(result, [&] {
    expect(bytes, size, "bytes");
    return std::make_unique<rf_detector>(rf_detector{retinaface::Detector::from_bytes(
        retinaface::bytes_of(bytes, size), name == nullptr ? "model" : name, options_of(runtime))});
  });
}

rf_status rf_runtime_options_new(rf_runtime_options** result) {
  return made(result, [] { return std::make_unique<rf_runtime_options>(); });
}

void rf_runtime_options_free(rf_runtime_options* options) {
  delete options;
}

rf_status rf_runtime_options_set_type(rf_runtime_options* options, const char* type) {
  return change_runtime(options, type, "type", &retinaface::RuntimeOptions::type);
}

rf_status rf_runtime_options_set_backend(rf_runtime_options* options, const char* backend) {
  return change_runtime(options, backend, "backend", &retinaface::RuntimeOptions::backend);
}

void rf_detector_free(rf_detector* detector) {
  delete detector;
}

rf_status rf_detect_options_new(rf_detect_options** result) {
  return made(result, [] { return std::make_unique<rf_detect_options>(); });
}

void rf_detect_options_free(rf_detect_options* options) {
  delete options;
}

rf_status rf_detect_options_set_min_score(rf_detect_options* options, float score) {
  return change_options(options, [&](auto& changing) { changing.min_score = score; });
}

rf_status rf_detect_options_set_nms_iou(rf_detect_options* options, float iou) {
  return change_options(options, [&](auto& changing) { changing.nms_iou = iou; });
}

rf_status rf_detect_options_set_scales(rf_detect_options* options, const float* scales,
                                       size_t count) {
  return change_options(options, [&](auto& changing) {
    expect(scales, count, "scales");
    changing.scales.assign(scales, scales + count);
  });
}

rf_status rf_detect_options_set_tile(rf_detect_options* options, int32_t side_px) {
  return change_options(options, [&](auto& changing) { changing.tile_px = side_px; });
}

rf_status rf_detect_options_set_max_faces(rf_detect_options* options, int32_t count) {
  return change_options(options, [&](auto& changing) { changing.max_faces = count; });
}

rf_status rf_detect_options_set_min_size(rf_detect_options* options, float side_px) {
  return change_options(options, [&](auto& changing) { changing.min_size_px = side_px; });
}

rf_status rf_detect_options_set_clip_to_image(rf_detect_options* options, int32_t clips) {
  return change_options(options, [&](auto& changing) { changing.clip_to_image = clips != 0; });
}

rf_status rf_detect_options_set_mesh(rf_detect_options* options, int32_t wanted) {
  return change_options(options, [&](auto& changing) { changing.mesh = wanted != 0; });
}

rf_status rf_detect_options_set_refine_mesh(rf_detect_options* options, int32_t refines) {
  return change_options(options, [&](auto& changing) { changing.refine_mesh = refines != 0; });
}

rf_status rf_detect_options_set_turned(rf_detect_options* options, int32_t turned) {
  return change_options(options, [&](auto& changing) { changing.turned = turned != 0; });
}

rf_status rf_detect(const rf_detector* detector, const rf_image_view* image,
                    const rf_detect_options* options, rf_faces** result) {
  return made(result, [&] {
    expect(detector, "detector");
    expect(image, "image");
    return faces_of(detector->detector.detect(view_of(*image), options_of(options)));
  });
}

rf_status rf_blur_found_faces(const rf_detector* detector, rf_image* image,
                              const rf_detect_options* options, rf_faces** hidden) {
  if (hidden != nullptr) *hidden = nullptr;
  return guarded([&] {
    expect(detector, "detector");
    expect(image, "image");
    auto faces = faces_of(
        retinaface::blur_found_faces(image->image, detector->detector, options_of(options)));
    if (hidden != nullptr) *hidden = faces.release();
  });
}

rf_status rf_detect_batch(const rf_detector* detector, const rf_image_view* images, size_t count,
                          const rf_detect_options* options, int32_t threads, rf_faces** results) {
  if (count == 0) return RF_OK;
  if (results == nullptr) return note(RF_INVALID_ARGUMENT, "results: expected places, found NULL");
  std::fill_n(results, count, nullptr);
  return guarded([&] {
    expect(detector, "detector");
    expect(images, "images");
    std::vector<retinaface::ImageView> views;
    for (std::size_t i = 0; i < count; ++i) {
      views.push_back(made_at("images", i, [&] { return view_of(images[i]); }));
    }
    std::vector<std::unique_ptr<rf_faces>> all;
    for (auto& found : detector->detector.detect_batch(views, options_of(options), threads)) {
      all.push_back(faces_of(std::move(found)));
    }
    std::ranges::transform(all, results, [](auto& faces) { return faces.release(); });
  });
}

size_t rf_faces_count(const rf_faces* faces) {
  return faces == nullptr ? 0 : faces->faces.size();
}

const rf_face* rf_faces_data(const rf_faces* faces) {
  return rf_faces_count(faces) == 0 ? nullptr : faces->faces.data();
}

const float* rf_faces_values(const rf_faces* faces, size_t i, size_t* count) {
  const bool has_values = i < rf_faces_count(faces) && !faces->values[i].empty();
  if (count != nullptr) *count = has_values ? faces->values[i].size() : 0;
  return has_values ? faces->values[i].data() : nullptr;
}

const rf_mesh_vertex* rf_faces_mesh_vertices(const rf_faces* faces, size_t i, size_t* count) {
  const retinaface::FaceMesh* const mesh = find_mesh(faces, i);
  if (count != nullptr) *count = mesh == nullptr ? 0 : mesh->vertices.size();
  return mesh == nullptr ? nullptr : reinterpret_cast<const rf_mesh_vertex*>(mesh->vertices.data());
}

const rf_mesh_color* rf_faces_mesh_colors(const rf_faces* faces, size_t i, size_t* count) {
  const retinaface::FaceMesh* const mesh = find_mesh(faces, i);
  if (count != nullptr) *count = mesh == nullptr ? 0 : mesh->colors.size();
  return mesh == nullptr ? nullptr : reinterpret_cast<const rf_mesh_color*>(mesh->colors.data());
}

rf_status rf_faces_pose(const rf_faces* faces, size_t i, rf_pose* pose) {
  return guarded([&] {
    expect(pose, "pose");
    *pose = to_c(expect_mesh(faces, i).pose);
  });
}

rf_status rf_faces_quality(const rf_faces* faces, size_t i, const rf_image_view* image,
                           rf_face_quality* quality) {
  return guarded([&] {
    expect(faces, "faces");
    expect(image, "image");
    expect(quality, "quality");
    if (i >= faces->faces.size()) {
      throw retinaface::Error(retinaface::ErrorCode::kInvalidArgument,
                              "i: expected one of " + std::to_string(faces->faces.size()) +
                                  " faces, found " + std::to_string(i));
    }
    retinaface::Face face = from_c(faces->faces[i]);
    face.mesh = faces->meshes[i];
    const retinaface::FaceQuality found = retinaface::face_quality(view_of(*image), face);
    *quality = {found.score,      found.sharpness, found.size,
                found.frontality, found.spread,    to_c(found.pose)};
  });
}

rf_status rf_faces_landmarks_68(const rf_faces* faces, size_t i, rf_point* points) {
  return guarded([&] {
    expect(points, "points");
    std::ranges::transform(retinaface::landmarks_68(expect_mesh(faces, i)), points,
                           [](const retinaface::Point& p) {
                             return rf_point{p.x, p.y};
                           });
  });
}

rf_status rf_head_pose(const rf_point* landmarks, rf_pose* pose) {
  return guarded([&] {
    expect(pose, "pose");
    *pose = to_c(retinaface::head_pose(landmarks_of(landmarks)));
  });
}

const uint16_t* rf_mesh_triangles(size_t* count) {
  const retinaface::ArrayView<retinaface::MeshTriangle> triangles = retinaface::mesh_triangles();
  if (count != nullptr) *count = triangles.size();
  return triangles.data()->data();
}

void rf_faces_free(rf_faces* faces) {
  delete faces;
}

rf_status rf_models_known(int32_t width, int32_t height, rf_models** result) {
  return made(result, [&] {
    return std::make_unique<rf_models>(rf_models{retinaface::known_models(width, height)});
  });
}

rf_status rf_models_of_detector(const rf_detector* detector, int32_t width, int32_t height,
                                rf_models** result) {
  return made(result, [&] {
    expect(detector, "detector");
    return std::make_unique<rf_models>(rf_models{{detector->detector.info(width, height)}});
  });
}

rf_status rf_models_of_recognizer(const rf_recognizer* recognizer, rf_models** result) {
  return made(result, [&] {
    expect(recognizer, "recognizer");
    return std::make_unique<rf_models>(rf_models{{recognizer->recognizer.info()}});
  });
}

size_t rf_models_count(const rf_models* models) {
  return models == nullptr ? 0 : models->models.size();
}

const char* rf_models_name(const rf_models* models, size_t i) {
  const retinaface::ModelInfo* const model = find(models, i);
  return model == nullptr ? "" : model->name.c_str();
}

const char* rf_models_summary(const rf_models* models, size_t i) {
  const retinaface::ModelInfo* const model = find(models, i);
  return model == nullptr ? "" : model->summary.c_str();
}

rf_weights_origin rf_models_weights_origin(const rf_models* models, size_t i) {
  const retinaface::ModelInfo* const model = find(models, i);
  if (model == nullptr) return RF_WEIGHTS_NONE;
  switch (model->weights_origin) {
    case retinaface::WeightsOrigin::kNone:
      return RF_WEIGHTS_NONE;
    case retinaface::WeightsOrigin::kBuiltIn:
      return RF_WEIGHTS_BUILT_IN;
    case retinaface::WeightsOrigin::kFile:
      return RF_WEIGHTS_FILE;
    case retinaface::WeightsOrigin::kMemory:
      return RF_WEIGHTS_MEMORY;
  }
  return RF_WEIGHTS_NONE;
}

const char* rf_models_weights_source(const rf_models* models, size_t i) {
  const retinaface::ModelInfo* const model = find(models, i);
  return model == nullptr ? "" : model->weights_source.c_str();
}

int64_t rf_models_parameters(const rf_models* models, size_t i) {
  const retinaface::ModelInfo* const model = find(models, i);
  return model == nullptr ? 0 : model->parameters;
}

int64_t rf_models_multiply_adds(const rf_models* models, size_t i) {
  const retinaface::ModelInfo* const model = find(models, i);
  return model == nullptr ? 0 : model->multiply_adds;
}

const int32_t* rf_models_strides(const rf_models* models, size_t i, size_t* count) {
  const retinaface::ModelInfo* const model = find(models, i);
  if (count != nullptr) *count = model == nullptr ? 0 : model->strides_px.size();
  return model == nullptr ? nullptr : model->strides_px.data();
}

void rf_models_free(rf_models* models) {
  delete models;
}
