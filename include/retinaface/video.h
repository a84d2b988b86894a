#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "retinaface/export.h"
#include "retinaface/image.h"

namespace retinaface {

/// Which frame of a video.
struct FrameStamp {
  std::int64_t number = 0;  ///< of the frames as shown, from 0
  double time_s = 0;  ///< since the first frame; never goes back, repeats where the video says so
};

/// How a video is read.
struct VideoOptions {
  /// Refuse videos of more pixels a frame.
  std::int64_t max_pixels = ReadOptions{}.max_pixels;
  /// Where it turns true, a video ends at the next frame, even while a camera is waited for. It
  /// must outlive the reader; null: nothing ends it early.
  const std::atomic<bool>* stop = nullptr;
  /// What transparent pixels are laid on, as those of images are: red, green and blue.
  std::array<std::uint8_t, 3> background = ReadOptions{}.background;
};

/// Decodes one video, frame after frame, on the caller's thread: a file of any container and codec
/// that FFmpeg's libraries read, a camera of Video4Linux ("/dev/video0"), or the address of a
/// stream ("rtsp://..."). The libraries are loaded when the first video is met; where they are not
/// installed, the rest of this library works without them.
///
/// Colors become 8-bit RGB by the video's own matrix and range; where it names none, by BT.709 for
/// frames of 1280 pixels or more across or over 576 lines, else BT.601. As those of images they
/// become sRGB: by the primaries and the transfer curve that the video states, high dynamic range
/// (PQ, HLG) by tone mapping. Transparent pixels are laid on a background.
/// Frames are turned as the display matrix says. Pixels that are not square stay as they are.
///
/// A video file cannot make the reader open anything else: playlists and references to other files
/// are not followed. One reader is for one thread at a time.
class RETINAFACE_API VideoReader {
 public:
  /// Throws Error, its message starting with the source: kNotFound, kUnreadable, kBadData (no
  /// video, or none with images), kTooLarge, kUnsupported (no such codec, or the libraries are
  /// missing).
  explicit VideoReader(const std::string& source, const VideoOptions& options = {});
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  /// Goes to the next frame; nothing at the video's end. What cannot be decoded is left out, see
  /// damage().
  std::optional<FrameStamp> next();

  /// The frame that next() went to, RGB. Throws Error as the constructor does, and kInvalidArgument
  /// where next() was not called or gave nothing.
  Image image();

  /// What was lost so far, "video.mp4: ..." as one line; empty if nothing.
  const std::string& damage() const;

  /// How many frames are missing without a damage that could be seen, or beside it: of transport
  /// streams so far, by the times of the others where these come evenly, and those that cannot be
  /// decoded behind a joint; of MP4 and MOV at the end, by the number that the header says. 0 if
  /// none, or where it cannot be told.
  std::int64_t missing_frames() const;

  /// Frames a second, as the video says, or guessed from its beginning; 0 if unknown.
  double frames_per_s() const;
  /// About how many frames it has; 0 if unknown.
  std::int64_t expected_frames() const;
  /// Width of a pixel by its height, in the frame as shown.
  double pixel_aspect() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace retinaface
