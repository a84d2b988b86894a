#include "cli/picture_outputs.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "retinaface/alignment.h"

#include "base/file.h"
#include "geometry/box.h"
#include "image/convert.h"
#include "image/draw.h"
#include "image/obscure.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

/// The face's box with a margin, as far as the picture goes; nothing where it lies outside.
std::optional<Image> crop(const Image& image, const Box& box) {
  constexpr float kMargin = 0.25F;  // of the longer side, all around
  const float margin = kMargin * std::max(box.width(), box.height());
  const Box part =
      intersection({std::floor(box.x0 - margin), std::floor(box.y0 - margin),
                    std::ceil(box.x1 + margin), std::ceil(box.y1 + margin)},
                   {0, 0, static_cast<float>(image.width()), static_cast<float>(image.height())});
  if (!(part.width() >= 1 && part.height() >= 1)) return std::nullopt;
  return to_rgb(part_of(image, static_cast<int>(part.x0), static_cast<int>(part.y0),
                        static_cast<int>(part.width()), static_cast<int>(part.height())));
}

fs::path numbered(const fs::path& place, const char* kind, std::size_t number) {
  fs::path folder = place;
  folder += kind;
  make_folders(folder);
  return folder / fmt::format("{}.png", number);
}

}  // namespace

fs::path place_in(const fs::path& folder, const fs::path& input) {
  fs::path place = folder;
  for (const fs::path& part : input.relative_path()) {
    if (part != ".." && part != ".") place /= part;
  }
  return place;
}

void write_picture_outputs(const PictureOutputs& outputs, const fs::path& input, Image image,
                           const std::vector<Face>& faces) {
  fs::path place = place_in(outputs.folder, input);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (outputs.crops) {
      if (const auto part = crop(image, faces[i].box)) {
        write_image(numbered(place, ".faces", i), *part);
      }
    }
    if (outputs.aligned) {
      write_image(numbered(place, ".aligned", i), align_face(image, faces[i].landmarks));
    }
  }
  if (!outputs.draw && !outputs.blur) return;
  if (outputs.blur) {
    for (const Face& face : faces) obscure_face(image, face.box);
  }
  if (outputs.draw) {
    std::vector<FaceMark> marks;
    for (const Face& face : faces) marks.push_back({face.box, face.landmarks, face.score});
    draw_faces(image, marks);
  }
  if (!can_write_image(place)) place += ".png";
  make_folders(place.parent_path());
  write_image(place, image);
}

}  // namespace retinaface::cli
