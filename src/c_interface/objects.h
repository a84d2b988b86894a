#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "retinaface/c.h"
#include "retinaface/retinaface.h"

// What the opaque types of c.h are.

struct rf_detector {
  retinaface::Detector detector;
};

struct rf_runtime_options {
  retinaface::RuntimeOptions options;
};

struct rf_detect_options {
  retinaface::DetectOptions options;
};

struct rf_faces {
  std::vector<rf_face> faces;
  std::vector<std::vector<float>> values;  // as many
  std::vector<std::optional<retinaface::FaceMesh>> meshes;
};

struct rf_models {
  std::vector<retinaface::ModelInfo> models;
};

struct rf_recognizer {
  retinaface::Recognizer recognizer;
};

struct rf_image {
  retinaface::Image image;
};

struct rf_read_options {
  retinaface::ReadOptions options;
};

struct rf_tracker {
  retinaface::Tracker tracker;
};

struct rf_tracker_options {
  retinaface::TrackerOptions options;
};

struct rf_video_options {
  retinaface::VideoOptions options;
};

struct rf_video {
  rf_video(const std::string& source, const retinaface::VideoOptions& options)
      : reader(source, with_stop(options)) {}

  retinaface::VideoOptions with_stop(retinaface::VideoOptions options) const {
    options.stop = &is_stopped;
    return options;
  }

  std::atomic<bool> is_stopped = false;
  retinaface::VideoReader reader;
};

namespace retinaface::c_interface {

/// Keeps the message for rf_last_error() and returns the status.
rf_status note(rf_status status, const char* message) noexcept;

/// The status of the exception that is being handled, its message kept.
rf_status status_of_exception() noexcept;

/// Runs `work`: nothing thrown passes.
template <typename Work>
rf_status guarded(Work work) noexcept {
  try {
    work();
    return RF_OK;
  } catch (...) {
    return status_of_exception();
  }
}

/// Runs `make`, whose result, a std::unique_ptr, becomes *result.
template <typename Object, typename Make>
rf_status made(Object** result, Make make) noexcept {
  if (result == nullptr) return note(RF_INVALID_ARGUMENT, "result: expected a place, found NULL");
  *result = nullptr;
  return guarded([&] { *result = make().release(); });
}

/// Throws Error(kInvalidArgument) for NULL.
void expect(const void* pointer, const char* name);

/// The same, but none of `count` objects may be NULL.
void expect(const void* pointer, std::size_t count, const char* name);

/// The options in a wrapper; the defaults for NULL.
template <typename Wrapper>
auto options_of(const Wrapper* wrapper) {
  return wrapper == nullptr ? decltype(wrapper->options){} : wrapper->options;
}

/// Changes the options in a wrapper by `change`, unless `check` throws for what comes out.
template <typename Wrapper, typename Change, typename Check>
rf_status changed(Wrapper* wrapper, Change change, Check check) noexcept {
  return guarded([&] {
    expect(wrapper, "options");
    auto options = wrapper->options;
    change(options);
    check(options);
    wrapper->options = std::move(options);
  });
}

/// The background 0xRRGGBB. Throws Error(kInvalidArgument) for a larger number.
std::array<std::uint8_t, 3> background_of(std::uint32_t rgb);

/// Throws Error(kInvalidArgument) for a limit below 1.
void check_max_pixels(std::int64_t max_pixels);

/// What `make` returns. An Error that it throws has the place in the caller's list in front:
/// "images[4]: ...".
template <typename Make>
auto made_at(const char* list, std::size_t i, Make make) {
  try {
    return make();
  } catch (const Error& error) {
    throw Error(error.code(), std::string(list) + "[" + std::to_string(i) + "]: " + error.what());
  }
}

ImageView view_of(const rf_image_view& image);
/// Of five points. Throws Error(kInvalidArgument) for NULL.
Landmarks landmarks_of(const rf_point* landmarks);
rf_pose to_c(const HeadPose& pose);
rf_face to_c(const Face& face);
Face from_c(const rf_face& face);
std::vector<Face> from_c(const rf_face* faces, std::size_t count);

}  // namespace retinaface::c_interface
