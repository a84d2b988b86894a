#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "retinaface/c.h"
#include "retinaface/retinaface.h"

struct rf_detector {
  retinaface::Detector detector;
};

struct rf_image {
  retinaface::Image image;
};

struct rf_faces {
  std::vector<rf_face> faces;
};

namespace {

using retinaface::Error;
using retinaface::ErrorCode;

thread_local std::string last_error;

rf_status note(rf_status status, const char* message) noexcept {
  try {
    last_error = message;
  } catch (const std::bad_alloc&) {
    last_error.clear();
  }
  return status;
}

rf_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return RF_INVALID_ARGUMENT;
    case ErrorCode::kNotFound:
      return RF_NOT_FOUND;
    case ErrorCode::kUnreadable:
      return RF_UNREADABLE;
    case ErrorCode::kBadData:
      return RF_BAD_DATA;
    case ErrorCode::kUnsupported:
      return RF_UNSUPPORTED;
    case ErrorCode::kTooLarge:
      return RF_TOO_LARGE;
  }
  return RF_INTERNAL_ERROR;
}

/// Runs `make`, whose result becomes *result: nothing thrown passes.
template <typename Object, typename Make>
rf_status guarded(Object** result, Make make) noexcept {
  if (result == nullptr) return note(RF_INVALID_ARGUMENT, "result: expected a place, found NULL");
  *result = nullptr;
  try {
    *result = make().release();
    return RF_OK;
  } catch (const Error& error) {
    return note(status_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return note(RF_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return note(RF_INTERNAL_ERROR, error.what());
  } catch (...) {
    return note(RF_INTERNAL_ERROR, "an unknown error");
  }
}

void expect(const void* pointer, const char* name) {
  if (pointer != nullptr) return;
  throw Error(ErrorCode::kInvalidArgument, std::string(name) + ": expected an object, found NULL");
}

retinaface::PixelFormat format_of(std::int32_t format) {
  switch (format) {
    case RF_RGB:
      return retinaface::PixelFormat::kRgb;
    case RF_BGR:
      return retinaface::PixelFormat::kBgr;
    case RF_RGBA:
      return retinaface::PixelFormat::kRgba;
    case RF_BGRA:
      return retinaface::PixelFormat::kBgra;
    case RF_GRAY:
      return retinaface::PixelFormat::kGray;
  }
  throw Error(ErrorCode::kInvalidArgument, "format: expected one of rf_pixel_format");
}

retinaface::ImageView view_of(const rf_image_view& image) {
  return {image.data, image.width, image.height, image.stride, format_of(image.format)};
}

retinaface::DetectOptions options_of(const rf_detect_options* options) {
  retinaface::DetectOptions result;
  if (options == nullptr) return result;
  result.min_score = options->min_score;
  result.nms_iou = options->nms_iou;
  if (options->scale_count == 0) return result;
  expect(options->scales, "scales");
  result.scales.assign(options->scales, options->scales + options->scale_count);
  return result;
}

rf_face face_of(const retinaface::Face& face) {
  rf_face result{face.score, face.box.x0, face.box.y0, face.box.x1, face.box.y1, {}};
  for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
    result.landmarks[k] = {face.landmarks[k].x, face.landmarks[k].y};
  }
  return result;
}

}  // namespace

const char* rf_version(void) {
  return retinaface::version();
}

const char* rf_last_error(void) {
  return last_error.c_str();
}

rf_detect_options rf_default_options(void) {
  using Options = retinaface::DetectOptions;
  return {Options::kDefaultMinScore, Options::kDefaultNmsIou, nullptr, 0};
}

rf_status rf_detector_new(const char* model, rf_detector** result) {
  return guarded(result, [&] {
    return std::make_unique<rf_detector>(
        rf_detector{model == nullptr ? retinaface::Detector() : retinaface::Detector(model)});
  });
}

void rf_detector_free(rf_detector* detector) {
  delete detector;
}

rf_status rf_detect(const rf_detector* detector, const rf_image_view* image,
                    const rf_detect_options* options, rf_faces** result) {
  return guarded(result, [&] {
    expect(detector, "detector");
    expect(image, "image");
    auto faces = std::make_unique<rf_faces>();
    for (const retinaface::Face& face :
         detector->detector.detect(view_of(*image), options_of(options))) {
      faces->faces.push_back(face_of(face));
    }
    return faces;
  });
}

size_t rf_faces_count(const rf_faces* faces) {
  return faces == nullptr ? 0 : faces->faces.size();
}

const rf_face* rf_faces_data(const rf_faces* faces) {
  return rf_faces_count(faces) == 0 ? nullptr : faces->faces.data();
}

void rf_faces_free(rf_faces* faces) {
  delete faces;
}

rf_status rf_image_read(const char* path, rf_image** result) {
  return guarded(result, [&] {
    expect(path, "path");
    return std::make_unique<rf_image>(rf_image{retinaface::read_image(path)});
  });
}

rf_image_view rf_image_get_view(const rf_image* image) {
  if (image == nullptr) return {nullptr, 0, 0, 0, RF_RGB};
  const retinaface::ImageView view = image->image;
  return {view.data, view.width, view.height, view.stride, RF_RGB};
}

void rf_image_free(rf_image* image) {
  delete image;
}
