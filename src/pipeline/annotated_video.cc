#include "pipeline/annotated_video.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "pipeline/problem.h"

namespace retinaface::pipeline {
namespace {

constexpr double kMaxDelay_s = 1;  // as long as a track may be away

/// A frame whose neighbours are known, and what is hidden in it.
struct KnownFrame {
  AnnotatedVideo::Frame frame;
  std::vector<Face> hidden;
};

Face face_at(const Box& box) {
  Face face;
  face.box = box;
  return face;
}

}  // namespace

AnnotatedVideo::AnnotatedVideo(const ImageOutputs& outputs, std::shared_ptr<const Video> video,
                               Blur blur, std::function<void(const std::string&)> message,
                               const OptionSpelling& name)
    : outputs_(outputs),
      video_(std::move(video)),
      blur_(std::move(blur)),
      message_(std::move(message)),
      name_(name) {}

void AnnotatedVideo::add(Frame frame) {
  if (!outputs_.blur) return write(frame);
  hidden_.add(frame.time_s, frame.starts_scene, frame.sightings);
  waiting_.push_back(std::move(frame));
  release(false);
}

void AnnotatedVideo::finish(bool is_whole) {
  release(true);
  if (!writer_) return;
  using SoundEnd = video::VideoWriter::SoundEnd;
  writer_->finish(is_whole ? SoundEnd::kByItself : SoundEnd::kWithLastImage);
}

/// How many of the frames that wait are to be written now: enough for all threads, or none.
std::size_t AnnotatedVideo::count_due() const {
  const auto enough = static_cast<std::size_t>(blur_.threads);
  if (!blur_.looks_around) return waiting_.size() < enough ? 0 : waiting_.size();
  std::size_t due = 0;
  std::size_t bytes = 0;
  for (const Frame& frame : waiting_) {
    if (waiting_.back().time_s - frame.time_s >= kMaxDelay_s) ++due;
    bytes += static_cast<std::size_t>(frame.image.stride()) *
             static_cast<std::size_t>(frame.image.height());
  }
  // Frames so large that they take too much memory wait for less time.
  constexpr std::size_t kMaxWaitingBytes = std::size_t{512} << 20;
  if (bytes > kMaxWaitingBytes) due = std::max(due, std::min(enough, waiting_.size()));
  return due < enough && bytes <= kMaxWaitingBytes ? 0 : due;
}

/// Writes the frames that wait, all of them or those that are due.
void AnnotatedVideo::release(bool all) {
  std::size_t due = all ? waiting_.size() : count_due();
  run_in_order(
      blur_.threads,
      [&]() -> std::optional<KnownFrame> {
        if (due == 0) return std::nullopt;
        --due;
        const std::size_t number = hidden_.end() - waiting_.size();
        KnownFrame known{std::move(waiting_.front()), {}};
        waiting_.pop_front();
        // Those of the frame itself are hidden where they are seen, those below min_score too.
        if (blur_.looks_around) {
          for (const Box& box : hidden_.unseen(number)) known.hidden.push_back(face_at(box));
        }
        for (const HiddenTracks::Sighting& sighting : known.frame.sightings) {
          known.hidden.push_back(face_at(sighting.box));
        }
        while (hidden_.first() < number &&
               hidden_.time_s(number) - hidden_.time_s(hidden_.first()) > kMaxDelay_s) {
          hidden_.forget_before(hidden_.first() + 1);
        }
        return known;
      },
      [&](KnownFrame known) {
        blur_.hide(known.frame.image, std::move(known.hidden));
        return std::move(known.frame);
      },
      [&](Frame frame) { write(frame); });
}

void AnnotatedVideo::write(Frame& frame) {
  if (!writer_) open(frame.image);
  annotate(outputs_, frame.result.faces, frame.result.tracks, frame.image);
  writer_->write(frame.image, frame.time_s);
}

void AnnotatedVideo::open(const Image& first) {
  const std::filesystem::path place = place_of_video(outputs_, video_->path);
  if (place.has_parent_path()) make_folders(place.parent_path());
  writer_ = std::make_unique<video::VideoWriter>(
      place, first.width(), first.height(),
      video::VideoFormat{
          .frames_per_s = video_->frames_per_s,
          .pixel_aspect = video_->pixel_aspect,
          .sound_from = outputs_.sound && video_->is_file ? video_->path.string() : ""});
  if (!message_) return;
  for (const std::string& codec : writer_->sound_left_out()) {
    message_(fmt::format(
        "{}: {} files cannot hold its sound, {}, which is left out; with {} it is kept",
        printable(video_->path), place.extension().string(), codec, name_("out", "NAME.mkv")));
  }
}

}  // namespace retinaface::pipeline
