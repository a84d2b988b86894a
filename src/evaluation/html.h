#pragma once

#include <string>
#include <string_view>

namespace retinaface::evaluation {

/// The text as HTML shows it unchanged, between tags and within an attribute's double quotes.
std::string html_escaped(std::string_view text);

}  // namespace retinaface::evaluation
