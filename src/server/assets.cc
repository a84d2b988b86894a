#include "server/assets.h"

extern "C" {
// assets.S includes a file between each pair.
extern const char retinaface_page_html_begin[];
extern const char retinaface_page_html_end[];
extern const char retinaface_page_css_begin[];
extern const char retinaface_page_css_end[];
extern const char retinaface_page_js_begin[];
extern const char retinaface_page_js_end[];
extern const char retinaface_page_icon_begin[];
extern const char retinaface_page_icon_end[];
extern const char retinaface_result_schema_begin[];
extern const char retinaface_result_schema_end[];
}

namespace retinaface::server {

std::string_view page_html() {
  return {retinaface_page_html_begin, retinaface_page_html_end};
}

std::string_view page_css() {
  return {retinaface_page_css_begin, retinaface_page_css_end};
}

std::string_view page_js() {
  return {retinaface_page_js_begin, retinaface_page_js_end};
}

std::string_view page_icon() {
  return {retinaface_page_icon_begin, retinaface_page_icon_end};
}

std::string_view result_schema() {
  return {retinaface_result_schema_begin, retinaface_result_schema_end};
}

}  // namespace retinaface::server
