// Videos, and the tracks of faces in them.

#include <algorithm>

#include "c_interface/objects.h"

using namespace retinaface::c_interface;

rf_status rf_video_options_new(rf_video_options** result) {
  return made(result, [] { return std::make_unique<rf_video_options>(); });
}

void rf_video_options_free(rf_video_options* options) {
  delete options;
}

rf_status rf_video_options_set_max_pixels(rf_video_options* options, int64_t pixels) {
  return changed(
      options, [&](auto& changing) { changing.max_pixels = pixels; },
      [](const auto& changing) { check_max_pixels(changing.max_pixels); });
}

rf_status rf_video_options_set_background(rf_video_options* options, uint32_t rgb) {
  return changed(
      options, [&](auto& changing) { changing.background = background_of(rgb); },
      [](const auto&) {});
}

rf_status rf_video_open(const char* source, const rf_video_options* options, rf_video** result) {
  return made(result, [&] {
    expect(source, "source");
    return std::make_unique<rf_video>(source, options_of(options));
  });
}

rf_status rf_video_next(rf_video* video, int32_t* has_frame, int64_t* number, double* time_s) {
  if (has_frame != nullptr) *has_frame = 0;
  return guarded([&] {
    expect(video, "video");
    expect(has_frame, "has_frame");
    const auto frame = video->reader.next();
    if (!frame) return;
    *has_frame = 1;
    if (number != nullptr) *number = frame->number;
    if (time_s != nullptr) *time_s = frame->time_s;
  });
}

rf_status rf_video_image(rf_video* video, rf_image** result) {
  return made(result, [&] {
    expect(video, "video");
    return std::make_unique<rf_image>(rf_image{video->reader.image()});
  });
}

const char* rf_video_damage(const rf_video* video) {
  return video == nullptr ? "" : video->reader.damage().c_str();
}

int64_t rf_video_missing_frames(const rf_video* video) {
  return video == nullptr ? 0 : video->reader.missing_frames();
}

double rf_video_frames_per_s(const rf_video* video) {
  return video == nullptr ? 0 : video->reader.frames_per_s();
}

int64_t rf_video_expected_frames(const rf_video* video) {
  return video == nullptr ? 0 : video->reader.expected_frames();
}

double rf_video_pixel_aspect(const rf_video* video) {
  return video == nullptr ? 1 : video->reader.pixel_aspect();
}

void rf_video_stop(rf_video* video) {
  if (video != nullptr) video->is_stopped = true;
}

void rf_video_free(rf_video* video) {
  delete video;
}

rf_status rf_tracker_options_new(rf_tracker_options** result) {
  return made(result, [] { return std::make_unique<rf_tracker_options>(); });
}

void rf_tracker_options_free(rf_tracker_options* options) {
  delete options;
}

rf_status rf_tracker_options_set_min_score(rf_tracker_options* options, float score) {
  return changed(
      options, [&](auto& changing) { changing.min_score = score; },
      [](const auto& changing) { retinaface::Tracker{changing}; });
}

rf_status rf_tracker_options_set_max_absence(rf_tracker_options* options, double seconds) {
  return changed(
      options, [&](auto& changing) { changing.max_absence_s = seconds; },
      [](const auto& changing) { retinaface::Tracker{changing}; });
}

rf_status rf_tracker_new(const rf_tracker_options* options, rf_tracker** result) {
  return made(result, [&] {
    return std::make_unique<rf_tracker>(rf_tracker{retinaface::Tracker(options_of(options))});
  });
}

rf_status rf_tracker_update(rf_tracker* tracker, const rf_face* faces, size_t count, double time_s,
                            int64_t* tracks) {
  return guarded([&] {
    expect(tracker, "tracker");
    expect(tracks, count, "tracks");
    std::ranges::copy(tracker->tracker.update(from_c(faces, count), time_s), tracks);
  });
}

rf_status rf_tracker_resume(rf_tracker* tracker, const rf_face* faces, size_t count,
                            const int64_t* tracks, double time_s, int64_t highest) {
  return guarded([&] {
    expect(tracker, "tracker");
    expect(tracks, count, "tracks");
    tracker->tracker.resume(from_c(faces, count), {tracks, count}, time_s, highest);
  });
}

void rf_tracker_free(rf_tracker* tracker) {
  delete tracker;
}
