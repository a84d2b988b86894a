#include "c_interface/objects.h"

#include <algorithm>

#include "base/check.h"
#include "image/draw.h"

namespace retinaface::c_interface {
namespace {

thread_local std::string last_error;

rf_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return RF_INVALID_ARGUMENT;
    case ErrorCode::kNotFound:
      return RF_NOT_FOUND;
    case ErrorCode::kUnreadable:
      return RF_UNREADABLE;
    case ErrorCode::kUnwritable:
      return RF_UNWRITABLE;
    case ErrorCode::kBadData:
      return RF_BAD_DATA;
    case ErrorCode::kUnsupported:
      return RF_UNSUPPORTED;
    case ErrorCode::kTooLarge:
      return RF_TOO_LARGE;
  }
  return RF_INTERNAL_ERROR;
}

PixelFormat format_of(std::int32_t format) {
  switch (format) {
    case RF_RGB:
      return PixelFormat::kRgb;
    case RF_BGR:
      return PixelFormat::kBgr;
    case RF_RGBA:
      return PixelFormat::kRgba;
    case RF_BGRA:
      return PixelFormat::kBgra;
    case RF_GRAY:
      return PixelFormat::kGray;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "format: expected one of rf_pixel_format, found " + std::to_string(format));
}

}  // namespace

rf_status note(rf_status status, const char* message) noexcept {
  try {
    last_error = message;
  } catch (const std::bad_alloc&) {
    last_error.clear();
  }
  return status;
}

rf_status status_of_exception() noexcept {
  try {
    throw;
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

void expect(const void* pointer, std::size_t count, const char* name) {
  if (count > 0) expect(pointer, name);
}

std::array<std::uint8_t, 3> background_of(std::uint32_t rgb) {
  if (rgb > 0xFFFFFF) {
    fail(ErrorCode::kInvalidArgument, "background: expected 0 to 0xFFFFFF, found {:#x}", rgb);
  }
  return color_of(rgb);
}

void check_max_pixels(std::int64_t max_pixels) {
  if (max_pixels >= 1) return;
  throw Error(ErrorCode::kInvalidArgument,
              "max_pixels: expected 1 or more, found " + std::to_string(max_pixels));
}

ImageView view_of(const rf_image_view& image) {
  return {image.data, image.width, image.height, image.stride, format_of(image.format)};
}

Landmarks landmarks_of(const rf_point* landmarks) {
  expect(landmarks, "landmarks");
  Landmarks points;
  std::transform(landmarks, landmarks + points.size(), points.begin(), [](const rf_point& point) {
    return Point{point.x, point.y};
  });
  return points;
}

rf_pose to_c(const HeadPose& pose) {
  return {pose.yaw, pose.pitch, pose.roll};
}

rf_face to_c(const Face& face) {
  rf_face result{face.score, face.box.x0, face.box.y0, face.box.x1, face.box.y1, {}};
  for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
    result.landmarks[k] = {face.landmarks[k].x, face.landmarks[k].y};
  }
  return result;
}

Face from_c(const rf_face& face) {
  return {face.score, {face.x0, face.y0, face.x1, face.y1}, landmarks_of(face.landmarks), {}};
}

std::vector<Face> from_c(const rf_face* faces, std::size_t count) {
  expect(faces, count, "faces");
  std::vector<Face> result;
  result.reserve(count);
  for (std::size_t i = 0; i < count; ++i) result.push_back(from_c(faces[i]));
  return result;
}

}  // namespace retinaface::c_interface

const char* rf_version(void) {
  return retinaface::version();
}

const char* rf_last_error(void) {
  return retinaface::c_interface::last_error.c_str();
}
