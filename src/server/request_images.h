#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/message.h"

namespace retinaface::server {

/// An encoded image of a request.
struct EncodedImage {
  std::string name;
  std::string_view bytes;  ///< of the request's body
};

/// The images of a request: the body itself, whatever its type, or the parts "image" of a form.
/// Throws Error for a form that is none or has other parts.
std::vector<EncodedImage> images_of(const Request& request);

/// The image of a request whose answer is one image, of `type`. Throws Error(kInvalidArgument)
/// where there are several.
const EncodedImage& only_one(const std::vector<EncodedImage>& images, std::string_view type);

/// What `action` makes of each of several images, texts of JSON, as {"results": [...]}; of one by
/// itself. One that fails is {"image", "error"} among the others; the only one fails as a whole.
std::string for_each_image(const std::vector<EncodedImage>& images,
                           const std::function<std::string(const EncodedImage&)>& action);

}  // namespace retinaface::server
