#pragma once

#include <string>

namespace retinaface::server {

/// The service's description by OpenAPI 3.1, made of the tables of endpoints and options.
std::string openapi();

}  // namespace retinaface::server
