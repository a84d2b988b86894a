#include "server/service.h"

#include <algorithm>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "retinaface/alignment.h"
#include "retinaface/blur.h"
#include "retinaface/image.h"
#include "retinaface/mesh.h"
#include "retinaface/model_info.h"
#include "retinaface/version.h"

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "base/number_text.h"
#include "image/write_options.h"
#include "mesh/topology.h"
#include "pipeline/detection_job.h"
#include "pipeline/image_outputs.h"
#include "pipeline/job_options.h"
#include "pipeline/results.h"
#include "server/assets.h"
#include "server/base64.h"
#include "server/header_value.h"
#include "server/multipart.h"
#include "server/openapi.h"
#include "server/problem.h"
#include "video/video_kind.h"

namespace retinaface::server {
namespace {

using pipeline::DetectionJob;

constexpr const char* kGet = "GET";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPlain = "text/plain; charset=utf-8";

/// Types of images that are answered, each with a name that encode_image knows it by.
struct ImageType {
  std::string_view type;
  const char* name;
};
constexpr ImageType kImageTypes[] = {
    {"image/jpeg", "answer.jpg"}, {"image/png", "answer.png"}, {"image/webp", "answer.webp"}};

const ImageType* image_type(std::string_view type) {
  const auto* const found = std::ranges::find(kImageTypes, type, &ImageType::type);
  return found == std::end(kImageTypes) ? nullptr : found;
}

const Endpoint* find_endpoint(std::string_view path) {
  const auto found = std::ranges::find(endpoints(), path, &Endpoint::path);
  return found == endpoints().end() ? nullptr : &*found;
}

bool allows(const Endpoint& endpoint, std::string_view method) {
  return method == endpoint.method ||
         (method == "HEAD" && std::string_view(endpoint.method) == kGet);
}

/// Takes as long whatever of it is right.
bool is_same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^
                  static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
  }
  return difference == 0;
}

/// What a request's head asks for.
struct Asked {
  DetectionJob job;
  std::size_t face = 0;
  std::string_view type;  ///< of the answer
};

/// The type of the answer.
std::string_view answer_type(const Request& request, const Endpoint& endpoint) {
  const auto chosen = choose_media_type(request.accept, endpoint.types);
  if (!chosen) {
    throw Problem(406, "not_acceptable",
                  fmt::format("Accept: expected one of {}, found '{}'",
                              fmt::join(endpoint.types, ", "), excerpt(request.accept)));
  }
  return endpoint.types[*chosen];
}

Asked asked_of(const Request& request, const Endpoint& endpoint) {
  Asked asked;
  std::vector<std::string> seen;
  for (auto [name, value] : request.query) {
    std::ranges::replace(name, '_', '-');  // min_score, as programs call it
    if (std::ranges::find(endpoint.options, name) == endpoint.options.end()) {
      fail(
          ErrorCode::kInvalidArgument, "query: there is no option '{}'; expected {}", excerpt(name),
          endpoint.options.empty() ? "none" : fmt::format("{}", fmt::join(endpoint.options, ", ")));
    }
    if (std::ranges::find(seen, name) != seen.end()) {
      fail(ErrorCode::kInvalidArgument, "{}: expected it once, found it twice", name);
    }
    seen.push_back(name);
    std::string fault;
    if (name == kFaceOption) {
      constexpr std::int64_t kMaxFace = 1'000'000;
      fault = whole_number_fault(value, 0, kMaxFace);
      if (fault.empty()) asked.face = static_cast<std::size_t>(std::stoul(value));
    } else {
      fault = pipeline::set_option(*pipeline::find_job_option(name), value, asked.job);
    }
    if (!fault.empty()) fail(ErrorCode::kInvalidArgument, "{}: {}", name, fault);
  }
  asked.type = answer_type(request, endpoint);
  if (asked.job.fields.any() && asked.type != kJson) {
    fail(ErrorCode::kInvalidArgument,
         "mesh, landmarks=68 and face-quality: go with an answer of {}, found {}; ask for it by "
         "Accept",
         kJson, asked.type);
  }
  return asked;
}

Response json_answer(std::string text) {
  return {200, std::string(kJson), std::move(text) + "\n"};
}

/// Numbers of vertices, from 0.
const std::string& topology_json() {
  static const std::string kText = [] {
    nlohmann::ordered_json triangles = nlohmann::ordered_json::array();
    for (const MeshTriangle& triangle : mesh_triangles()) triangles.push_back(triangle);
    return nlohmann::ordered_json{{"vertices", kMeshVertices},
                                  {"triangles", std::move(triangles)},
                                  {"landmarks_68", mesh::topology().landmarks_68}}
        .dump();
  }();
  return kText;
}

Response image_answer(std::string_view type, const ImageView& image, const WriteOptions& write) {
  const std::vector<std::byte> encoded = encode_image(image_type(type)->name, image, write);
  return {200, std::string(type),
          std::string(reinterpret_cast<const char*>(encoded.data()), encoded.size())};
}

}  // namespace

/// An encoded image of a request.
struct Service::EncodedImage {
  std::string name;
  std::string_view bytes;  ///< of the request's body
};

/// What a second look at a face costs (DetectOptions::turned).
constexpr std::int64_t kPixelsOfTurned = 65'000;

/// What is left of what a request may cost, all its images together.
struct Service::Budget {
  std::int64_t pixels;          ///< to be decoded
  std::int64_t aligned_pixels;  ///< of faces that are cut out
  int described;                ///< faces with a mesh or figures of quality
  int turned;                   ///< faces that are looked at a second time

  explicit Budget(const ServiceOptions& options)
      : pixels(options.max_pixels),
        aligned_pixels(options.max_pixels),
        described(options.max_described),
        turned(static_cast<int>(std::min<std::int64_t>(options.max_pixels / kPixelsOfTurned,
                                                       std::numeric_limits<int>::max() - 1))) {}

  /// How many faces an image may have; nothing where they cost nothing by themselves.
  std::optional<int> faces_for(const DetectionJob& job) const {
    std::optional<int> most;
    if (job.fields.any()) most = described;
    if (job.selection.detect.turned) most = std::min(most.value_or(turned), turned);
    return most;
  }

  void take(const DetectionJob& job, int faces) {
    if (job.fields.any()) described -= faces;
    if (job.selection.detect.turned) turned -= faces;
  }
};

/// What was found in one, and where.
struct Service::Examined {
  Image image;
  pipeline::ImageResult result;
  std::vector<Face> hidden;  ///< where the job blurs
};

namespace {

constexpr const char* kImageName = "image";  // of one without a name of its own

/// The images of a request: the body itself, whatever its type, or the parts "image" of a form.
template <typename EncodedImage>
std::vector<EncodedImage> images_of(const Request& request) {
  const std::optional<std::string> boundary = multipart_boundary(request.content_type);
  if (!boundary) return {{kImageName, request.body}};
  std::vector<EncodedImage> images;
  for (FormPart& part : parse_multipart(request.body, *boundary)) {
    if (part.name != kImageName) {
      fail(ErrorCode::kInvalidArgument, "multipart body: expected parts named '{}', found '{}'",
           kImageName, excerpt(part.name));
    }
    if (part.filename.empty()) {
      part.filename = images.empty() ? kImageName : fmt::format("{} {}", kImageName, images.size());
    }
    images.push_back({std::move(part.filename), part.content});
  }
  if (images.empty()) {
    fail(ErrorCode::kInvalidArgument, "multipart body: expected a part named '{}', found none",
         kImageName);
  }
  return images;
}

template <typename EncodedImage>
const EncodedImage& only_one(const std::vector<EncodedImage>& images, std::string_view type) {
  if (images.size() != 1) {
    fail(ErrorCode::kInvalidArgument,
         "multipart body: expected one image for an answer of {}, "
         "found {}",
         type, images.size());
  }
  return images.front();
}

/// Texts of JSON as {"results": [...]}; one stands by itself.
std::string results_json(const std::vector<std::string>& texts) {
  if (texts.size() == 1) return texts.front();
  return fmt::format("{{\"results\": [{}]}}", fmt::join(texts, ",\n"));
}

/// Does something for each of several images. One that fails is {"image", "error"} among the
/// others; the only one fails as a whole.
template <typename EncodedImage, typename Action>
std::string for_each_image(const std::vector<EncodedImage>& images, Action action) {
  if (images.size() == 1) return action(images.front());
  std::vector<std::string> texts;
  for (const EncodedImage& encoded : images) {
    try {
      texts.push_back(action(encoded));
    } catch (const Error& error) {
      const nlohmann::json name = printable(encoded.name);
      texts.push_back(fmt::format("{{\"image\": {}, \"error\": {}}}", name.dump(),
                                  error_object(problem_of(error))));
    }
  }
  return results_json(texts);
}

}  // namespace

const std::vector<Endpoint>& endpoints() {
  static const std::vector<std::string_view> kSelection = {
      "min-score", "nms", "max-faces", "min-size", "clip", "scales", "turned"};
  const auto selection_and = [](std::initializer_list<std::string_view> more) {
    std::vector<std::string_view> names = kSelection;
    names.insert(names.end(), more);
    return names;
  };
  static const std::vector<Endpoint> kEndpoints = {
      {.path = "/v1/detect",
       .method = "POST",
       .summary = "Finds the faces of images; as an image, with its faces drawn.",
       .needs_key = true,
       .is_work = true,
       .types = {kJson, "image/jpeg", "image/png", "image/webp"},
       .options = selection_and({"mesh", "landmarks", "face-quality", "jpeg-quality"})},
      {.path = "/v1/align",
       .method = "POST",
       .summary = "Faces turned and scaled as recognisers take them; as an image, one of them.",
       .needs_key = true,
       .is_work = true,
       .types = {kJson, "image/png", "image/jpeg", "image/webp"},
       .options = selection_and(
           {"mesh", "landmarks", "face-quality", "align-size", kFaceOption, "jpeg-quality"})},
      {.path = "/v1/blur",
       .method = "POST",
       .summary = "The image with its faces made unrecognisable.",
       .needs_key = true,
       .is_work = true,
       .types = {"image/jpeg", "image/png", "image/webp"},
       .options = selection_and({"jpeg-quality"})},
      {.path = "/v1/models",
       .method = kGet,
       .summary = "The model that is loaded, and those that are known.",
       .needs_key = true,
       .types = {kJson}},
      {.path = "/v1/topology",
       .method = kGet,
       .summary = "What all meshes have in common: triangles, vertices of the 68 points.",
       .needs_key = true,
       .types = {kJson}},
      {.path = "/metrics",
       .method = kGet,
       .summary = "Counts and durations for Prometheus.",
       .needs_key = true,
       .types = {"text/plain"}},
      {.path = "/healthz", .method = kGet, .summary = "Whether it runs.", .types = {"text/plain"}},
      {.path = "/readyz",
       .method = kGet,
       .summary = "Whether requests should be sent here; 503 while it ends.",
       .types = {"text/plain"}},
      {.path = "/openapi.json", .method = kGet, .summary = "This description.", .types = {kJson}},
      {.path = "/", .method = kGet, .summary = "The page.", .types = {"text/html"}},
      {.path = "/app.css", .method = kGet, .summary = "Its style.", .types = {"text/css"}},
      {.path = "/icon.svg", .method = kGet, .summary = "Its icon.", .types = {"image/svg+xml"}},
      {.path = "/app.js", .method = kGet, .summary = "Its program.", .types = {"text/javascript"}},
  };
  return kEndpoints;
}

Service::Service(Detector detector, ServiceOptions options)
    : detector_(std::move(detector)), options_(std::move(options)) {}

std::string Service::label_of(const Request& request) {
  return find_endpoint(request.path) == nullptr ? "other" : request.path;
}

void Service::check_key(const Request& request) const {
  if (options_.api_keys.empty()) return;
  constexpr std::string_view kScheme = "Bearer ";
  std::string_view given = request.api_key;
  if (given.empty() && request.authorization.starts_with(kScheme)) {
    given = std::string_view(request.authorization).substr(kScheme.size());
  }
  bool is_known = false;  // all are compared, so that time does not tell which one
  for (const std::string& key : options_.api_keys) is_known |= is_same_secret(given, key);
  if (is_known) return;
  throw Problem(401, "unauthorized",
                "expected a key, as 'Authorization: Bearer KEY' or 'X-API-Key: KEY', found " +
                    std::string(given.empty() ? "none" : "one that is not known"),
                {{"WWW-Authenticate", "Bearer"}});
}

std::optional<Response> Service::answer_head(const Request& request) {
  try {
    const Endpoint* const endpoint = find_endpoint(request.path);
    if (endpoint == nullptr) {
      throw Problem(
          404, "not_found",
          fmt::format("there is no '{}'; /openapi.json says what there is", excerpt(request.path)));
    }
    if (request.method == "OPTIONS" && !options_.cors_origin.empty()) {
      return Response{
          204,
          "",
          "",
          {{"Access-Control-Allow-Methods", fmt::format("{}, OPTIONS", endpoint->method)},
           {"Access-Control-Allow-Headers", "Authorization, Content-Type, X-API-Key"},
           {"Access-Control-Max-Age", "600"}}};
    }
    if (!allows(*endpoint, request.method)) {
      throw Problem(405, "method_not_allowed",
                    fmt::format("{}: expected {}, found '{}'", endpoint->path, endpoint->method,
                                excerpt(request.method)),
                    {{"Allow", endpoint->method}});
    }
    if (endpoint->needs_key) check_key(request);
    if (!endpoint->is_work) return answer_at_hand(request);
    asked_of(request, *endpoint);
    multipart_boundary(request.content_type);
    return std::nullopt;
  } catch (const Problem& problem) {
    return response_of(problem);
  } catch (const Error& error) {
    return response_of(problem_of(error));
  }
}

Response Service::answer_at_hand(const Request& request) {
  const std::string& path = request.path;
  if (path == "/v1/models") return json_answer(models_json());
  if (path == "/v1/topology") return json_answer(topology_json());
  if (path == "/metrics") return {200, Metrics::kContentType, metrics_.text()};
  if (path == "/openapi.json") return json_answer(openapi());
  if (path == "/readyz" && !is_ready_) {
    throw Problem(503, "ending", "the service ends and takes no more requests");
  }
  if (path == "/healthz" || path == "/readyz") return {200, std::string(kPlain), "ok\n"};
  Response response{200, "text/html; charset=utf-8", std::string(page_html())};
  if (path == "/app.css") response = {200, "text/css; charset=utf-8", std::string(page_css())};
  if (path == "/icon.svg") response = {200, "image/svg+xml", std::string(page_icon())};
  if (path == "/app.js") {
    response = {200, "text/javascript; charset=utf-8", std::string(page_js())};
  }
  response.headers = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
       "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
       "frame-ancestors 'none'"},
      {"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cache-Control", "no-cache"}};
  return response;
}

void Service::complete(const Request& request, Response& response) const {
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  const std::string& origin = options_.cors_origin;
  if (origin.empty() || request.origin.empty()) return;
  if (origin != "*") response.headers.emplace_back("Vary", "Origin");
  if (origin != "*" && origin != request.origin) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
}

std::string Service::models_json() {
  std::call_once(models_made_, [this] {
    const auto entry = [](const ModelInfo& info) {
      const char* const weights = info.weights_origin == WeightsOrigin::kBuiltIn ? "built in"
                                  : info.weights_origin == WeightsOrigin::kNone  ? "none"
                                                                                 : "file";
      return nlohmann::ordered_json{{"name", info.name},
                                    {"summary", info.summary},
                                    {"weights", weights},
                                    {"parameters", info.parameters},
                                    {"multiply_adds_640x480", info.multiply_adds},
                                    {"strides_px", info.strides_px}};
    };
    nlohmann::ordered_json models = nlohmann::ordered_json::array();
    for (const ModelInfo& info : known_models()) models.push_back(entry(info));
    const nlohmann::ordered_json all = {{"loaded", entry(detector_.info())}, {"models", models}};
    models_ = all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  });
  return models_;
}

Response Service::handle(const Request& request) {
  try {
    const Endpoint* const endpoint = find_endpoint(request.path);
    RF_CHECK(endpoint != nullptr && endpoint->is_work);
    const std::string_view path = endpoint->path;
    if (path == "/v1/align") return align(request, *endpoint);
    if (path == "/v1/blur") return blur(request, *endpoint);
    return detect(request, *endpoint);
  } catch (const Problem& problem) {
    return response_of(problem);
  } catch (const Error& error) {
    return response_of(problem_of(error));
  } catch (const std::bad_alloc&) {
    return response_of(overloaded("not enough memory for this request", 1));
  } catch (const std::exception& error) {
    return response_of(Problem(500, "internal", error.what()));
  }
}

Service::Examined Service::examine(const EncodedImage& encoded, const DetectionJob& job,
                                   Budget& budget) {
  const ArrayView<std::byte> bytes = bytes_of(encoded.bytes.data(), encoded.bytes.size());
  const std::string name = printable(encoded.name);
  if (video::is_video({bytes.data(), bytes.size()})) {
    fail(ErrorCode::kUnsupported,
         "{}: expected an image, found a video, whose frames are sent "
         "one by one",
         name);
  }
  Examined examined;
  // Strict: an answer has no place for the warning that an image lacks its end.
  examined.image = decode_image(bytes, {.max_pixels = budget.pixels, .strict = true}, name);
  const std::int64_t pixels = std::int64_t{examined.image.width()} * examined.image.height();
  budget.pixels -= pixels;
  double resized = 0;
  for (const float scale : job.selection.detect.scales) {
    resized += static_cast<double>(pixels) * scale * scale;
  }
  if (resized > static_cast<double>(options_.max_pixels)) {
    fail(ErrorCode::kTooLarge,
         "{}: {}x{} pixels become {:.0f} by its scales, more than the {} "
         "that are worked on at most",
         name, examined.image.width(), examined.image.height(), resized, options_.max_pixels);
  }
  DetectionJob limited = job;
  const std::optional<int> most = budget.faces_for(job);
  if (most) {
    // No more are worked on than are answered, and one that says that there are more.
    DetectOptions& detect = limited.selection.detect;
    const int wanted = job.selection.max_faces;
    detect.min_size_px = job.selection.min_size_px;
    detect.max_faces = wanted == 0 ? *most + 1 : std::min(wanted, *most + 1);
  }
  pipeline::DetectedFaces detected =
      pipeline::detect_faces(detector_, limited, examined.image, encoded.name);
  if (job.images.blur) {
    examined.hidden = pipeline::faces_to_hide(detector_, job.selection, examined.image, detected);
  }
  examined.result = std::move(detected.result);
  const auto count = static_cast<int>(examined.result.faces.size());
  if (most && count > *most) {
    fail(ErrorCode::kTooLarge,
         "{}: more faces than the {} that are left to this request for meshes, quality and second "
         "looks (turned); ask for fewer by max-faces",
         name, *most);
  }
  budget.take(job, count);
  metrics_.count_image(examined.result.faces.size());
  return examined;
}

Response Service::detect(const Request& request, const Endpoint& endpoint) {
  Asked asked = asked_of(request, endpoint);
  const std::string_view type = asked.type;
  const auto images = images_of<EncodedImage>(request);
  Budget budget(options_);
  if (type == kJson) {
    return json_answer(for_each_image(images, [&](const EncodedImage& encoded) {
      return pipeline::to_json(examine(encoded, asked.job, budget).result);
    }));
  }
  asked.job.images.draw = true;
  Examined examined = examine(only_one(images, type), asked.job, budget);
  pipeline::annotate(asked.job.images, examined.result.faces, {}, examined.image);
  return image_answer(type, examined.image, asked.job.images.write);
}

Response Service::blur(const Request& request, const Endpoint& endpoint) {
  Asked asked = asked_of(request, endpoint);
  const std::string_view type = asked.type;
  asked.job.images.blur = true;
  const auto images = images_of<EncodedImage>(request);
  Budget budget(options_);
  Examined examined = examine(only_one(images, type), asked.job, budget);
  blur_faces(examined.image, examined.hidden);
  pipeline::annotate(asked.job.images, examined.result.faces, {}, examined.image);
  return image_answer(type, examined.image, asked.job.images.write);
}

Response Service::align(const Request& request, const Endpoint& endpoint) {
  Asked asked = asked_of(request, endpoint);
  const std::string_view type = asked.type;
  const auto images = images_of<EncodedImage>(request);
  Budget budget(options_);
  const pipeline::ImageOutputs& outputs = asked.job.images;
  if (type == kJson) {
    asked.job.images.aligned = true;
    return json_answer(for_each_image(images, [&](const EncodedImage& encoded) {
      const Examined examined = examine(encoded, asked.job, budget);
      const std::int64_t side = outputs.aligned_side_px;
      const auto count = static_cast<std::int64_t>(examined.result.faces.size());
      if (count > budget.aligned_pixels / (side * side)) {
        fail(ErrorCode::kTooLarge,
             "{}: {} of {}x{} pixels are more than the {} pixels that are "
             "answered at most; ask for fewer by max-faces",
             printable(encoded.name), counted(examined.result.faces.size(), "face"), side, side,
             options_.max_pixels);
      }
      budget.aligned_pixels -= count * side * side;
      const pipeline::FaceImages cut =
          pipeline::cut_faces(outputs, examined.image, examined.result.faces);
      std::vector<std::string> texts;
      for (const auto& face : cut.aligned) texts.push_back('"' + base64(face) + '"');
      return fmt::format("{{\"result\": {}, \"aligned\": [{}]}}",
                         pipeline::to_json(examined.result), fmt::join(texts, ", "));
    }));
  }
  const Examined examined = examine(only_one(images, type), asked.job, budget);
  const std::vector<Face>& faces = examined.result.faces;
  if (asked.face >= faces.size()) {
    throw Problem(422, "no_such_face",
                  fmt::format("face: expected the number of one of {} found, counted from 0, "
                              "found {}",
                              counted(faces.size(), "face"), asked.face));
  }
  const Image aligned =
      align_face(examined.image, faces[asked.face].landmarks, outputs.aligned_side_px);
  return image_answer(type, aligned, outputs.write);
}

}  // namespace retinaface::server
