#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "retinaface/image.h"

namespace retinaface::video {

/// Whether the name ends like one of the files that VideoWriter writes: .mp4, .m4v, .mov or .mkv.
bool can_write_video(const std::filesystem::path& path);

struct VideoFormat {
  double frames_per_s = 0;  ///< as the video's header says; 0: as its first two frames say
  double pixel_aspect = 1;  ///< width of a pixel by its height
  /// A video file whose sound is copied, as it is, from its first image on; empty: no sound.
  std::string sound_from{};
  bool prefer_h264 = true;  ///< else MPEG-4, which H.264 is replaced by where libx264 is missing
};

/// Writes a video of images: H.264 (libx264, constant quality), or MPEG-4 where there is no such
/// encoder; 8 bits, 4:2:0, BT.709, and the sound of another video. An image's time is kept, so that
/// videos whose frames come at changing intervals play as they did. Sides that are odd, which 4:2:0
/// cannot have, grow by one repeated row or column. Images of another size than the first are
/// scaled to it.
///
/// The file is written beside its place under a name of its own and put in its place by finish(),
/// as a whole; without finish() it is removed.
class VideoWriter {
 public:
  /// Throws Error with the path: kUnsupported for another extension, when the libraries are missing
  /// or the size is beyond what the encoder takes; kUnwritable when the file cannot be written;
  /// kUnreadable when the sound cannot be read.
  VideoWriter(const std::filesystem::path& path, int width, int height,
              const VideoFormat& format = {});
  ~VideoWriter();
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;

  /// Adds an image that is shown from `time_s` on, counted from the first one. A time that is not
  /// after the one before it is moved there. Throws Error(kUnwritable) with the path.
  void write(const Image& image, double time_s);

  /// The codecs of the sound streams that cannot be copied, as the container holds no such sound.
  const std::vector<std::string>& sound_left_out() const;

  /// Ends the video, and its sound where that ends by itself, or with the last image. Throws
  /// Error(kUnwritable) with the path.
  enum class SoundEnd { kByItself, kWithLastImage };
  void finish(SoundEnd sound = SoundEnd::kByItself);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace retinaface::video
