#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "retinaface/alignment.h"
#include "retinaface/blur.h"
#include "retinaface/image.h"

#include "arrays.h"
#include "base/check.h"
#include "detection/aligned_size.h"
#include "gate.h"
#include "image/codecs/write_options.h"
#include "image/convert.h"
#include "image/draw.h"
#include "image/resize.h"
#include "module.h"
#include "pipeline/draw_mesh.h"
#include "source.h"

namespace retinaface::python {

namespace nb = nanobind;

namespace {

nb::object read(nb::handle file, bool bgr, bool apply_orientation, std::int64_t max_pixels,
                std::array<std::uint8_t, 3> background) {
  Source source(
      file, bgr,
      {.apply_orientation = apply_orientation, .max_pixels = max_pixels, .background = background});
  Image image;
  {
    const Working working;
    image = to_rgb(source.open());
    if (bgr) exchange_red_and_blue(image);
  }
  return array_of(std::move(image));
}

void write(nb::handle file, nb::handle image, bool bgr, int jpeg_quality) {
  const std::string path = path_of(file);
  Source source(image, bgr, {});
  const Working working;
  write_image(path, source.open(), {.jpeg_quality = jpeg_quality});
}

/// The file's bytes; `name` has the extension that says the format.
nb::bytes encode(const std::string& name, nb::handle image, bool bgr, int jpeg_quality) {
  Source source(image, bgr, {});
  std::vector<std::byte> encoded;
  {
    const Working working;
    encoded = encode_image(name, source.open(), {.jpeg_quality = jpeg_quality});
  }
  return nb::bytes(encoded.data(), encoded.size());
}

/// (N, side, side, 3) of faces whose `points` are (N, 5, 2).
nb::object align(nb::handle image, bool bgr, const Floats& points, int side_px) {
  Source source(image, bgr, {});
  const std::vector<Landmarks> faces = landmarks_of(points);
  std::vector<std::uint8_t> pixels;
  {
    const Working working;
    check_aligned_side(side_px, "size");
    const ImageView view = source.open();
    for (const Landmarks& landmarks : faces) {
      Image aligned = align_face(view, landmarks, side_px);
      if (bgr) exchange_red_and_blue(aligned);
      pixels.insert(pixels.end(), aligned.row(0), aligned.row(side_px));
    }
  }
  const auto side = static_cast<std::size_t>(side_px);
  return array_of(std::move(pixels), {faces.size(), side, side, 3});
}

void shrink(Image& image, int max_side_px) {
  const int side = std::max(image.width(), image.height());
  if (side <= max_side_px) return;
  const auto scaled = [&](int length) {
    return static_cast<int>(std::max<std::int64_t>(1, std::int64_t{length} * max_side_px / side));
  };
  image = resize(image, scaled(image.width()), scaled(image.height()));
}

/// `max_side_px`: the result is not larger; 0: as large as the image.
nb::object draw(nb::handle image, bool bgr, const Floats& boxes, const Floats& scores,
                const Floats& landmarks, const std::optional<Tracks>& tracks, bool with_landmarks,
                bool with_scores, int max_side_px) {
  Source source(image, bgr, {});
  const std::vector<Face> faces = faces_of(boxes, scores, landmarks);
  Image drawn;
  {
    const Working working;
    drawn = to_rgb(source.open());
    if (tracks && tracks->size() != faces.size()) {
      fail(ErrorCode::kInvalidArgument, "tracks: expected one of each of {} faces, found {}",
           faces.size(), tracks->size());
    }
    std::vector<FaceMark> marks;
    for (std::size_t i = 0; i < faces.size(); ++i) {
      marks.push_back({faces[i].box, faces[i].landmarks, faces[i].score,
                       tracks ? tracks->data()[i] : std::int64_t{0}});
    }
    draw_faces(drawn, marks, {.landmarks = with_landmarks, .scores = with_scores});
    if (max_side_px > 0) shrink(drawn, max_side_px);
    if (bgr) exchange_red_and_blue(drawn);
  }
  return array_of(std::move(drawn));
}

nb::object draw_meshes(nb::handle image, bool bgr, const Floats& vertices, const Floats& colors,
                       bool is_shaded) {
  Source source(image, bgr, {});
  const std::vector<FaceMesh> meshes = meshes_of(vertices, colors);
  Image drawn;
  {
    const Working working;
    drawn = to_rgb(source.open());
    for (const FaceMesh& mesh : meshes) {
      is_shaded ? pipeline::draw_shaded(drawn, mesh) : pipeline::draw_wireframe(drawn, mesh);
    }
    if (bgr) exchange_red_and_blue(drawn);
  }
  return array_of(std::move(drawn));
}

nb::object blur(nb::handle image, bool bgr, const Floats& boxes, const Floats& scores,
                const Floats& landmarks) {
  Source source(image, bgr, {});
  const std::vector<Face> faces = faces_of(boxes, scores, landmarks);
  Image blurred;
  {
    const Working working;
    blurred = to_rgb(source.open());
    blur_faces(blurred, faces);
    if (bgr) exchange_red_and_blue(blurred);
  }
  return array_of(std::move(blurred));
}

}  // namespace

void add_images(nb::module_& module) {
  module.attr("DEFAULT_MAX_PIXELS") = ReadOptions{}.max_pixels;
  module.attr("ALIGNED_SIDE_PX") = int{kAlignedSide};
  module.attr("DEFAULT_JPEG_QUALITY") = int{WriteOptions::kDefaultJpegQuality};
  module.def("read", read);
  module.def("write", write);
  module.def("encode", encode);
  module.def("align", align);
  module.def("draw", draw, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
             nb::arg(), nb::arg(), nb::arg());
  module.def("draw_meshes", draw_meshes);
  module.def("blur", blur);
}

}  // namespace retinaface::python
