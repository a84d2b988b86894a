#pragma once

#include <string_view>

namespace retinaface::server {

// Files that are linked in.

std::string_view page_html();
std::string_view page_css();
std::string_view page_js();
std::string_view page_icon();

/// doc/output.schema.json: the object that an image's result is.
std::string_view result_schema();

}  // namespace retinaface::server
