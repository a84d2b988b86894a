#include "pipeline/annotated_video.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "image/obscure.h"
#include "pipeline/problem.h"

namespace retinaface::pipeline {
namespace {

std::vector<Box> boxes_of(const std::vector<HiddenTracks::Sighting>& sightings) {
  std::vector<Box> boxes;
  for (const HiddenTracks::Sighting& sighting : sightings) boxes.push_back(sighting.box);
  return boxes;
}

}  // namespace

AnnotatedVideo::AnnotatedVideo(const ImageOutputs& outputs, std::shared_ptr<const Video> video,
                               bool looks_around, std::function<void(const std::string&)> message,
                               const OptionSpelling& name)
    : outputs_(outputs),
      video_(std::move(video)),
      looks_around_(looks_around),
      message_(std::move(message)),
      name_(name) {}

void AnnotatedVideo::add(Frame frame) {
  if (!looks_around_) return write(frame, boxes_of(frame.sightings));
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

/// Writes the frames that wait, all of them or until no more wait than may.
void AnnotatedVideo::release(bool all) {
  // As long as a track may be away, unless frames are so large that they take too much memory.
  constexpr double kMaxDelay_s = 1;
  constexpr std::size_t kMaxWaitingBytes = std::size_t{512} << 20;
  while (!waiting_.empty()) {
    Frame& first = waiting_.front();
    const auto bytes = static_cast<std::size_t>(first.image.stride()) *
                       static_cast<std::size_t>(first.image.height());
    const bool is_due = waiting_.back().time_s - first.time_s >= kMaxDelay_s;
    if (!all && !is_due && bytes * waiting_.size() <= kMaxWaitingBytes) return;
    const std::size_t number = hidden_.end() - waiting_.size();
    // Those of the frame itself are hidden where they are seen, those below min_score too.
    std::vector<Box> boxes = hidden_.unseen(number);
    std::ranges::move(boxes_of(first.sightings), std::back_inserter(boxes));
    write(first, boxes);
    waiting_.pop_front();
    while (hidden_.first() < number &&
           hidden_.time_s(number) - hidden_.time_s(hidden_.first()) > kMaxDelay_s) {
      hidden_.forget_before(hidden_.first() + 1);
    }
  }
}

void AnnotatedVideo::write(Frame& frame, const std::vector<Box>& hidden) {
  if (!writer_) open(frame.image);
  for (const Box& box : hidden) obscure_face(frame.image, box);
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
