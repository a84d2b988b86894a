// Images: reading and writing, alignment, blur.

#include "base/check.h"
#include "c_interface/objects.h"
#include "image/convert.h"

using namespace retinaface::c_interface;

rf_status rf_read_options_new(rf_read_options** result) {
  return made(result, [] { return std::make_unique<rf_read_options>(); });
}

void rf_read_options_free(rf_read_options* options) {
  delete options;
}

rf_status rf_read_options_set_apply_orientation(rf_read_options* options, int32_t applies) {
  return changed(
      options, [&](auto& changing) { changing.apply_orientation = applies != 0; },
      [](const auto&) {});
}

rf_status rf_read_options_set_max_pixels(rf_read_options* options, int64_t pixels) {
  return changed(
      options, [&](auto& changing) { changing.max_pixels = pixels; },
      [](const auto& changing) { check_max_pixels(changing.max_pixels); });
}

rf_status rf_read_options_set_background(rf_read_options* options, uint32_t rgb) {
  return changed(
      options, [&](auto& changing) { changing.background = background_of(rgb); },
      [](const auto&) {});
}

rf_status rf_read_options_set_strict(rf_read_options* options, int32_t is_strict) {
  return changed(
      options, [&](auto& changing) { changing.strict = is_strict != 0; }, [](const auto&) {});
}

rf_status rf_read_options_set_warn(rf_read_options* options, rf_warn_function warn, void* context) {
  return changed(
      options,
      [&](auto& changing) {
        changing.warn = nullptr;
        if (warn == nullptr) return;
        changing.warn = [warn, context](const std::string& line) { warn(line.c_str(), context); };
      },
      [](const auto&) {});
}

rf_status rf_image_read(const char* path, rf_image** result) {
  return rf_image_read_with(path, nullptr, result);
}

rf_status rf_image_read_with(const char* path, const rf_read_options* options, rf_image** result) {
  return made(result, [&] {
    expect(path, "path");
    return std::make_unique<rf_image>(rf_image{retinaface::read_image(path, options_of(options))});
  });
}

rf_status rf_image_decode(const void* bytes, size_t size, const char* name,
                          const rf_read_options* options, rf_image** result) {
  return made(result, [&] {
    expect(bytes, size, "bytes");
    return std::make_unique<rf_image>(rf_image{retinaface::decode_image(
        retinaface::bytes_of(bytes, size), options_of(options), name == nullptr ? "image" : name)});
  });
}

rf_status rf_image_copy(const rf_image_view* image, rf_image** result) {
  return made(result, [&] {
    expect(image, "image");
    const retinaface::ImageView view = view_of(*image);
    retinaface::check_view(view, "image");
    return std::make_unique<rf_image>(rf_image{retinaface::to_rgb(view)});
  });
}

rf_image_view rf_image_get_view(const rf_image* image) {
  if (image == nullptr) return {nullptr, 0, 0, 0, RF_RGB};
  const retinaface::ImageView view = image->image;
  return {view.data, view.width, view.height, view.stride, RF_RGB};
}

rf_status rf_image_write(const char* path, const rf_image_view* image) {
  return guarded([&] {
    expect(path, "path");
    expect(image, "image");
    retinaface::write_image(path, view_of(*image));
  });
}

int32_t rf_image_can_write(const char* path) {
  int32_t can_write = 0;
  guarded([&] {
    expect(path, "path");
    can_write = retinaface::can_write_image(path) ? 1 : 0;
  });
  return can_write;
}

void rf_image_free(rf_image* image) {
  delete image;
}

rf_status rf_align_face(const rf_image_view* image, const rf_point* landmarks, rf_image** result) {
  return rf_align_face_to(image, landmarks, retinaface::kAlignedSide, result);
}

rf_status rf_align_face_to(const rf_image_view* image, const rf_point* landmarks, int32_t side_px,
                           rf_image** result) {
  return made(result, [&] {
    expect(image, "image");
    const retinaface::Landmarks points = landmarks_of(landmarks);
    return std::make_unique<rf_image>(
        rf_image{retinaface::align_face(view_of(*image), points, side_px)});
  });
}

rf_status rf_blur_faces(rf_image* image, const rf_face* faces, size_t count) {
  return guarded([&] {
    expect(image, "image");
    retinaface::blur_faces(image->image, from_c(faces, count));
  });
}
