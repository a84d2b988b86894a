#pragma once

#include <string>

namespace retinaface::server {

/// The service's description by OpenAPI 3.1, made once of the tables of endpoints and options.
const std::string& openapi();

}  // namespace retinaface::server
