#include "cli/results.h"

#include <iterator>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/file.h"
#include "evaluation/wider_predictions.h"

namespace retinaface::cli {

namespace fs = std::filesystem;

std::string to_json(const PictureResult& result) {
  using nlohmann::json;
  const std::string image =
      json(result.path.string()).dump(-1, ' ', false, json::error_handler_t::replace);
  std::string line = fmt::format(R"({{"image": {}, "width": {}, "height": {}, "faces": [)", image,
                                 result.width, result.height);
  const auto out = std::back_inserter(line);
  const char* separator = "";
  for (const Face& face : result.faces) {
    fmt::format_to(out, R"({}{{"score": {:.5f}, "box": [{:.2f}, {:.2f}, {:.2f}, {:.2f}], )",
                   separator, face.score, face.box.x0, face.box.y0, face.box.x1, face.box.y1);
    fmt::format_to(out, R"("landmarks": [)");
    separator = "";
    for (const Point& point : face.landmarks) {
      fmt::format_to(out, "{}[{:.2f}, {:.2f}]", separator, point.x, point.y);
      separator = ", ";
    }
    line += "]}";
  }
  fmt::format_to(out, R"(], "ms": {:.3f}}})", result.ms);
  return line;
}

fs::path write_wider_file(const fs::path& folder, const PictureResult& result) {
  const std::string event = fs::absolute(result.path).parent_path().filename().string();
  const std::string name = result.path.stem().string();
  const std::string text =
      evaluation::format_wider_predictions(event + "/" + name, evaluation::to_wider(result.faces));
  make_folders(folder / event);
  const fs::path place = folder / event / (name + ".txt");
  write_file_atomically(place, text);
  return place;
}

}  // namespace retinaface::cli
