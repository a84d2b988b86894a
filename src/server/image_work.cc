#include "server/image_work.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "retinaface/alignment.h"
#include "retinaface/blur.h"
#include "retinaface/image.h"

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "base/text.h"
#include "image/codecs/decoded_image.h"
#include "image/codecs/stored_size.h"
#include "image/codecs/write_options.h"
#include "pipeline/detection_job.h"
#include "pipeline/image_outputs.h"
#include "pipeline/results.h"
#include "server/base64.h"
#include "server/problem.h"
#include "video/video_kind.h"

namespace retinaface::server {
namespace {

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

Response image_answer(std::string_view type, const ImageView& image, const WriteOptions& write) {
  const std::vector<std::byte> encoded = encode_image(image_type(type)->name, image, write);
  return {200, std::string(type), std::string(text_of(encoded))};
}

}  // namespace

/// What was found in an image, and where.
struct ImageWork::Examined {
  Image image;  ///< smaller than the whole one where only faces are asked for
  pipeline::DetectedFaces detection;

  const pipeline::ImageResult& result() const { return detection.result; }
};

ImageWork::ImageWork(const Detector& detector, const ServiceOptions& options, Metrics& metrics)
    : detector_(detector), options_(options), metrics_(metrics) {}

ImageWork::Examined ImageWork::examine(const EncodedImage& encoded, const Asked& asked,
                                       WorkBudget& budget, int reduction) const {
  const ArrayView<std::byte> bytes = bytes_of(encoded.bytes.data(), encoded.bytes.size());
  const std::span<const std::byte> encoded_bytes(bytes.data(), bytes.size());
  const std::string name = printable(encoded.name);
  if (video::is_video(encoded_bytes)) {
    fail(ErrorCode::kUnsupported,
         "{}: expected an image, found a video, whose frames are sent "
         "one by one",
         name);
  }
  // Strict: an answer has no place for the warning that an image lacks its end.
  DecodedImage decoded = [&] {
    try {
      return decode_image(bytes, {.max_pixels = budget.pixels, .strict = true}, name, reduction);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kTooLarge) budget.take_damaged(stated_size(encoded_bytes));
      throw;
    }
  }();
  Examined examined{std::move(decoded.image), {}};
  const pipeline::SeenImage seen(examined.image, decoded);
  const std::int64_t pixels = std::int64_t{seen.width} * seen.height;
  budget.pixels -= pixels;
  double resized = 0;
  for (const float scale : asked.job.detect.scales) {
    resized += static_cast<double>(pixels) * scale * scale;
  }
  if (resized > budget.resized_pixels) {
    fail(ErrorCode::kTooLarge,
         "{}: {}x{} pixels become {:.0f} by its scales, more than the {:.0f} that are left of the "
         "{} "
         "that a request is worked on at most",
         name, seen.width, seen.height, resized, budget.resized_pixels, options_.max_pixels);
  }
  budget.resized_pixels -= resized;
  const pipeline::DetectionJob& job = asked.job;
  pipeline::DetectionJob limited = job;
  const std::optional<int> max = budget.faces_for(asked);
  if (max) {
    // No more are worked on than are answered, and one that says that there are more.
    const int wanted = job.detect.max_faces;
    limited.detect.max_faces = wanted == 0 ? *max + 1 : std::min(wanted, *max + 1);
  }
  examined.detection = pipeline::detect_faces(detector_, limited, seen, encoded.name);
  const auto count = static_cast<int>(examined.result().faces.size());
  if (max && count > *max) {
    fail(
        ErrorCode::kTooLarge,
        "{}: more faces than the {} that are left to this request for meshes, quality, vectors and "
        "second passes (turned); ask for fewer by max-faces",
        name, *max);
  }
  budget.take(asked, count);
  metrics_.count_image(examined.result().faces.size());
  return examined;
}

Response ImageWork::detect(const Request& request, const Asked& asked) const {
  const std::vector<EncodedImage> images = images_of(request);
  WorkBudget budget(options_);
  if (asked.type == kJson) {
    return json_answer(for_each_image(images, [&](const EncodedImage& encoded) {
      return pipeline::to_json(examine(encoded, asked, budget, asked.job.reduction()).result());
    }));
  }
  pipeline::ImageOutputs outputs = asked.job.images;
  outputs.draw = true;
  Examined examined = examine(only_one(images, asked.type), asked, budget);
  pipeline::annotate(outputs, examined.result().faces, {}, examined.image);
  return image_answer(asked.type, examined.image, outputs.write);
}

Response ImageWork::blur(const Request& request, const Asked& asked) const {
  const std::vector<EncodedImage> images = images_of(request);
  WorkBudget budget(options_);
  Examined examined = examine(only_one(images, asked.type), asked, budget);
  blur_faces(examined.image, pipeline::faces_to_hide(detector_, asked.job.detect, examined.image,
                                                     examined.detection));
  return image_answer(asked.type, examined.image, asked.job.images.write);
}

std::string ImageWork::aligned_json(const EncodedImage& encoded, const Asked& asked,
                                    WorkBudget& budget) const {
  pipeline::ImageOutputs outputs = asked.job.images;
  outputs.aligned = true;
  const Examined examined = examine(encoded, asked, budget);
  const std::vector<Face>& faces = examined.result().faces;
  const std::int64_t side = outputs.aligned_side_px;
  const auto count = static_cast<std::int64_t>(faces.size());
  if (count > budget.aligned_pixels / (side * side)) {
    fail(ErrorCode::kTooLarge,
         "{}: {} of {}x{} pixels are more than the {} pixels that are "
         "answered at most; ask for fewer by max-faces",
         printable(encoded.name), counted(faces.size(), "face"), side, side, options_.max_pixels);
  }
  budget.aligned_pixels -= count * side * side;
  const pipeline::FaceImages cut = pipeline::cut_faces(outputs, examined.image, faces);
  std::vector<std::string> texts;
  for (const auto& face : cut.aligned) texts.push_back('"' + base64(face) + '"');
  return fmt::format("{{\"result\": {}, \"aligned\": [{}]}}", pipeline::to_json(examined.result()),
                     fmt::join(texts, ", "));
}

Response ImageWork::align(const Request& request, const Asked& asked) const {
  const std::vector<EncodedImage> images = images_of(request);
  WorkBudget budget(options_);
  if (asked.type == kJson) {
    return json_answer(for_each_image(
        images, [&](const EncodedImage& encoded) { return aligned_json(encoded, asked, budget); }));
  }
  const Examined examined = examine(only_one(images, asked.type), asked, budget);
  const std::vector<Face>& faces = examined.result().faces;
  if (asked.face >= faces.size()) {
    throw Problem(422, "no_such_face",
                  fmt::format("face: expected the number of one of {} found, counted from 0, "
                              "found {}",
                              counted(faces.size(), "face"), asked.face));
  }
  const pipeline::ImageOutputs& outputs = asked.job.images;
  const Image aligned =
      align_face(examined.image, faces[asked.face].landmarks, outputs.aligned_side_px);
  return image_answer(asked.type, aligned, outputs.write);
}

Asked ImageWork::asked_of(const Request& request, const Endpoint& endpoint) const {
  Asked asked = server::asked_of(request, endpoint);
  if (asked.embeds && !options_.recognizer) {
    fail(ErrorCode::kInvalidArgument,
         "embed: expected a service that was started with --embed FILE, a recogniser's model");
  }
  if (asked.embeds) asked.job.recognizer = options_.recognizer;
  return asked;
}

Response ImageWork::answer(const Request& request, const Endpoint& endpoint) const {
  const Asked asked = asked_of(request, endpoint);
  const std::string_view path = endpoint.path;
  if (path == "/v1/align") return align(request, asked);
  if (path == "/v1/blur") return blur(request, asked);
  RF_CHECK(path == "/v1/detect");
  return detect(request, asked);
}

}  // namespace retinaface::server
