#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "retinaface/detector.h"
#include "retinaface/face_quality.h"
#include "retinaface/mesh.h"
#include "retinaface/model_info.h"
#include "retinaface/tracker.h"

#include "arrays.h"
#include "base/cpu.h"
#include "detection/detector_factory.h"
#include "gate.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "module.h"
#include "pipeline/face_selection.h"
#include "runtime/backends/type_name.h"
#include "source.h"

namespace retinaface::python {

namespace nb = nanobind;

namespace {

/// Of `name` as Detector takes it, or empty for the default one; or `bytes` of a model file.
Detector make_detector(nb::handle name, const std::optional<nb::bytes>& bytes,
                       const std::string& backend, const std::string& type) {
  const std::string model = path_of(name);
  const void* const data = bytes ? bytes->data() : nullptr;
  const std::size_t size = bytes ? bytes->size() : 0;
  const Working working;
  const models::LoadedModel loaded =
      data != nullptr ? models::parse_model({static_cast<const std::byte*>(data), size}, "model")
      : model.empty() ? models::load_builtin_model(models::kDefaultModel)
                      : models::load_model_by_name_or_path(model);
  return DetectorFactory::make(
      loaded, backend, {.type = runtime::type_of(type, loaded.graph, loaded.weights, backend)});
}

DetectOptions options_of(float min_score, float nms_iou, std::vector<float> scales, int tile_px,
                         int max_faces, float min_size_px, bool clip, bool mesh, bool turned) {
  return {.min_score = min_score,
          .nms_iou = nms_iou,
          .scales = std::move(scales),
          .tile_px = tile_px,
          .max_faces = max_faces,
          .min_size_px = min_size_px,
          .clip_to_image = clip,
          .mesh = mesh,
          .turned = turned};
}

std::vector<FaceQuality> qualities_of(const ImageView& image, const std::vector<Face>& faces) {
  std::vector<FaceQuality> qualities;
  for (const Face& face : faces) qualities.push_back(face_quality(image, face));
  return qualities;
}

/// (width, height, arrays_of the faces, arrays_of their qualities or None)
nb::tuple detect(const Detector& detector, nb::handle image, bool bgr, std::int64_t max_pixels,
                 float min_score, float nms_iou, std::vector<float> scales, int tile_px,
                 int max_faces, float min_size_px, bool clip, bool mesh, bool turned,
                 bool with_quality) {
  Source source(image, bgr, {.max_pixels = max_pixels});
  std::vector<Face> faces;
  std::vector<FaceQuality> qualities;
  ImageView view;
  {
    const Working working;
    view = source.open();
    faces = detector.detect(view, options_of(min_score, nms_iou, std::move(scales), tile_px,
                                             max_faces, min_size_px, clip, mesh, turned));
    if (with_quality) qualities = qualities_of(view, faces);
  }
  return nb::make_tuple(view.width, view.height, arrays_of(faces, mesh),
                        with_quality ? nb::object(arrays_of(qualities)) : nb::none());
}

/// What was found in a frame, faint faces that carry tracks on included, until Follower takes it.
struct FoundInFrame {
  pipeline::DetectedFaces faces;
  bool with_meshes;
  std::vector<FaceQuality> qualities;  ///< of those that are wanted, where that was asked for
  bool with_quality;
};

FoundInFrame detect_frame(const Detector& detector, nb::handle image, bool bgr,
                          std::int64_t max_pixels, float min_score, float nms_iou,
                          std::vector<float> scales, int tile_px, int max_faces, float min_size_px,
                          bool clip, bool mesh, bool turned, bool with_quality) {
  Source source(image, bgr, {.max_pixels = max_pixels});
  const Working working;
  // Which faces are wanted is said to the selection alone: tracks follow all that are found.
  const pipeline::FaceSelection selection = {
      .detect =
          options_of(min_score, nms_iou, std::move(scales), tile_px, 0, 0, false, mesh, turned),
      .max_faces = max_faces,
      .min_size_px = min_size_px,
      .clip = clip};
  const ImageView view = source.open();
  FoundInFrame found = {pipeline::detect_faces(detector, selection, view, {}, video::FrameStamp{}),
                        mesh,
                        {},
                        with_quality};
  if (with_quality) found.qualities = qualities_of(view, found.faces.result.faces);
  return found;
}

/// As detect, and the tracks, of the faces that are wanted. Frames come in their order.
nb::tuple follow(Tracker& tracker, const FoundInFrame& frame, double time_s) {
  const pipeline::DetectedFaces& faces = frame.faces;
  const std::vector<std::int64_t> all = tracker.update(faces.found, time_s);
  std::vector<std::int64_t> tracks;
  for (const std::size_t i : faces.wanted) tracks.push_back(all[i]);
  const std::size_t count = tracks.size();
  return nb::make_tuple(faces.result.width, faces.result.height,
                        arrays_of(faces.result.faces, frame.with_meshes),
                        frame.with_quality ? nb::object(arrays_of(frame.qualities)) : nb::none(),
                        array_of(std::move(tracks), {count}));
}

nb::object update(Tracker& tracker, const Floats& boxes, const Floats& scores,
                  const Floats& landmarks, double time_s) {
  std::vector<std::int64_t> tracks = tracker.update(faces_of(boxes, scores, landmarks), time_s);
  const std::size_t count = tracks.size();
  return array_of(std::move(tracks), {count});
}

void resume(Tracker& tracker, const Floats& boxes, const Floats& scores, const Floats& landmarks,
            const Tracks& tracks, double time_s, std::int64_t highest) {
  tracker.resume(faces_of(boxes, scores, landmarks), {tracks.data(), tracks.size()}, time_s,
                 highest);
}

const char* name_of(WeightsOrigin origin) {
  switch (origin) {
    case WeightsOrigin::kNone:
      return "none";
    case WeightsOrigin::kBuiltIn:
      return "built-in";
    case WeightsOrigin::kFile:
      return "file";
    case WeightsOrigin::kMemory:
      return "memory";
  }
  return "";
}

/// In the order of the fields of retinaface_cpp.ModelInfo.
nb::tuple tuple_of(const ModelInfo& info) {
  return nb::make_tuple(info.name, info.summary, name_of(info.weights_origin), info.weights_source,
                        nb::tuple(nb::cast(info.strides_px)), info.parameters, info.multiply_adds);
}

nb::list models(int width, int height) {
  nb::list list;
  for (const ModelInfo& info : known_models(width, height)) list.append(tuple_of(info));
  return list;
}

/// (T, 3) of the triangles' vertices.
nb::object triangles() {
  const ArrayView<MeshTriangle> all = mesh_triangles();
  std::vector<std::uint16_t> vertices;
  for (const MeshTriangle& triangle : all) {
    vertices.insert(vertices.end(), triangle.begin(), triangle.end());
  }
  return array_of(std::move(vertices), {all.size(), 3});
}

}  // namespace

void add_detection(nb::module_& module) {
  module.attr("MESH_VERTICES") = std::size_t{kMeshVertices};
  module.attr("DEFAULT_MIN_SCORE") = DetectOptions::kDefaultMinScore;
  module.attr("DEFAULT_NMS_IOU") = DetectOptions::kDefaultNmsIou;
  module.attr("DEFAULT_TILE_PX") = DetectOptions{}.tile_px;
  module.attr("DEFAULT_MAX_ABSENCE_S") = TrackerOptions{}.max_absence_s;
  module.def("core_count", [] { return core_count(); });
  module.def("models", models);
  module.def("mesh_triangles", triangles);

  nb::class_<Detector>(module, "Detector")
      .def("__init__",
           [](Detector* self, nb::handle model, const std::optional<nb::bytes>& bytes,
              const std::string& backend, const std::string& type) {
             new (self) Detector(make_detector(model, bytes, backend, type));
           })
      .def("detect", detect)
      .def("detect_frame", detect_frame)
      .def("info", [](const Detector& detector, int width, int height) {
        return tuple_of(detector.info(width, height));
      });

  nb::class_<FoundInFrame>(module, "FoundInFrame");
  nb::class_<Tracker>(module, "Tracker")
      .def("__init__",
           [](Tracker* self, float min_score, double max_absence_s) {
             new (self) Tracker({.min_score = min_score, .max_absence_s = max_absence_s});
           })
      .def("follow", follow)
      .def("resume", resume)
      .def("update", update);
}

}  // namespace retinaface::python
