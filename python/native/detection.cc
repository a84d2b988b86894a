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

#include "retinaface/blur.h"
#include "retinaface/detector.h"
#include "retinaface/face_quality.h"
#include "retinaface/mesh.h"
#include "retinaface/model_info.h"
#include "retinaface/recognizer.h"
#include "retinaface/tracker.h"

#include "arrays.h"
#include "base/check.h"
#include "base/cpu.h"
#include "detection/check_options.h"
#include "gate.h"
#include "image/convert.h"
#include "module.h"
#include "pipeline/face_request.h"
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
  const RuntimeOptions runtime = {.type = type, .backend = backend};
  const Working working;
  if (data != nullptr) return Detector::from_bytes(bytes_of(data, size), "model", runtime);
  return model.empty() ? Detector(runtime) : Detector(model, runtime);
}

/// The keywords of Detector.detect.
struct Request {
  bool bgr;
  std::int64_t max_pixels;
  pipeline::FaceRequest faces;
};

/// Throws Error(kInvalidArgument) for a value outside its range, by the keyword's name.
Request make_request(bool bgr, std::int64_t max_pixels, float min_score, float nms_iou,
                     std::vector<float> scales, int tile, int max_faces, float min_size, bool clip,
                     bool mesh, bool refine_mesh, bool turned, bool with_quality,
                     const Recognizer* recognizer) {
  DetectOptions options = {.min_score = min_score,
                           .nms_iou = nms_iou,
                           .scales = std::move(scales),
                           .tile_px = tile,
                           .max_faces = max_faces,
                           .min_size_px = min_size,
                           .clip_to_image = clip,
                           .mesh = mesh,
                           .refine_mesh = refine_mesh,
                           .turned = turned};
  check_max_pixels(max_pixels);
  detection::check_options(options, {.tile_px = "tile", .min_size_px = "min_size"});
  if (refine_mesh && !mesh) {
    fail(ErrorCode::kInvalidArgument, "refine_mesh: expected mesh=True with it");
  }
  Request request = {.bgr = bgr,
                     .max_pixels = max_pixels,
                     .faces = {.detect = std::move(options), .quality = with_quality}};
  if (recognizer != nullptr) request.faces.recognizer = *recognizer;
  return request;
}

/// (width, height, arrays_of the faces, arrays_of their qualities or None, embeddings (N, D) or
/// None, tracks)
nb::tuple tuple_of(const pipeline::ImageResult& result, const pipeline::FaceRequest& request,
                   const nb::object& tracks) {
  nb::object embeddings = nb::none();
  if (request.recognizer) {
    std::vector<float> values;
    for (const std::vector<float>& embedding : result.embeddings) {
      values.insert(values.end(), embedding.begin(), embedding.end());
    }
    embeddings = array_of(
        std::move(values),
        {result.faces.size(), static_cast<std::size_t>(request.recognizer->embedding_size())});
  }
  return nb::make_tuple(result.width, result.height, arrays_of(result.faces, request.detect.mesh),
                        request.quality ? nb::object(arrays_of(result.qualities)) : nb::none(),
                        embeddings, tracks);
}

nb::tuple detect(const Detector& detector, nb::handle image, const Request& request) {
  Source source(image, request.bgr, {.max_pixels = request.max_pixels});
  pipeline::ImageResult result;
  {
    const Working working;
    const pipeline::SeenImage seen = source.open_reduced(request.faces.reduction());
    result = pipeline::detect_faces(detector, request.faces, seen, {}).result;
  }
  return tuple_of(result, request.faces, nb::none());
}

/// The image as blur_found_faces makes it.
nb::object blur(const Detector& detector, nb::handle image, const Request& request) {
  Source source(image, request.bgr, {.max_pixels = request.max_pixels});
  Image blurred;
  {
    const Working working;
    blurred = to_rgb(source.open());
    blur_found_faces(blurred, detector, request.faces.detect);
    if (request.bgr) exchange_red_and_blue(blurred);
  }
  return array_of(std::move(blurred));
}

/// What was found in a frame, until Tracker takes it.
struct FoundInFrame {
  pipeline::FaceRequest request;
  pipeline::DetectedFaces detection;
};

FoundInFrame detect_frame(const Detector& detector, nb::handle image, const Request& request) {
  Source source(image, request.bgr, {.max_pixels = request.max_pixels});
  const Working working;
  FoundInFrame frame = {request.faces, {}};
  frame.detection =
      pipeline::detect_faces(detector, frame.request, source.open(), {}, video::FrameStamp{});
  return frame;
}

/// As detect, with tracks (N,). Frames come in their order.
nb::tuple follow(Tracker& tracker, const FoundInFrame& frame, double time_s) {
  const std::vector<std::int64_t> all = tracker.update(frame.detection.found, time_s);
  std::vector<std::int64_t> tracks;
  for (const std::size_t i : frame.detection.wanted) tracks.push_back(all[i]);
  const std::size_t count = tracks.size();
  return tuple_of(frame.detection.result, frame.request, array_of(std::move(tracks), {count}));
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

  nb::class_<Request>(module, "Request")
      .def(
          "__init__",
          [](Request* self, bool bgr, std::int64_t max_pixels, float min_score, float nms_iou,
             std::vector<float> scales, int tile, int max_faces, float min_size, bool clip,
             bool mesh, bool refine_mesh, bool turned, bool with_quality,
             const Recognizer* recognizer) {
            new (self) Request(make_request(bgr, max_pixels, min_score, nms_iou, std::move(scales),
                                            tile, max_faces, min_size, clip, mesh, refine_mesh,
                                            turned, with_quality, recognizer));
          },
          nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
          nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
  nb::class_<Detector>(module, "Detector")
      .def("__init__",
           [](Detector* self, nb::handle model, const std::optional<nb::bytes>& bytes,
              const std::string& backend, const std::string& type) {
             new (self) Detector(make_detector(model, bytes, backend, type));
           })
      .def("blur", blur)
      .def("detect", detect)
      .def("detect_frame", detect_frame)
      .def("info", [](const Detector& detector, int width, int height) {
        return tuple_of(detector.info(width, height));
      });

  // NOLINTNEXTLINE(bugprone-unused-raii): its constructor is what tells Python of it
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
