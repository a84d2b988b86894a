#include "server/request_images.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "server/header_value.h"
#include "server/multipart.h"
#include "server/problem.h"

namespace retinaface::server {
namespace {

constexpr const char* kImageName = "image";  // of one without a name of its own

}  // namespace

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

const EncodedImage& only_one(const std::vector<EncodedImage>& images, std::string_view type) {
  if (images.size() != 1) {
    fail(ErrorCode::kInvalidArgument,
         "multipart body: expected one image for an answer of {}, "
         "found {}",
         type, images.size());
  }
  return images.front();
}

std::string for_each_image(const std::vector<EncodedImage>& images,
                           const std::function<std::string(const EncodedImage&)>& action) {
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
  return fmt::format("{{\"results\": [{}]}}", fmt::join(texts, ",\n"));
}

}  // namespace retinaface::server
