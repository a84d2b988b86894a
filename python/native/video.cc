#include "retinaface/video.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <unistd.h>

#include "retinaface/error.h"

#include "arrays.h"
#include "gate.h"
#include "module.h"
#include "source.h"

namespace retinaface::python {

namespace nb = nanobind;

namespace {

/// A video that is read. The decoder has threads of its own, which a child of a fork has not: there
/// it can be neither used nor taken down.
class Video {
 public:
  Video(nb::handle name, std::int64_t max_pixels, std::array<std::uint8_t, 3> background) {
    const std::string source = path_of(name);
    const Working working;
    reader_ = std::make_unique<VideoReader>(
        source,
        VideoOptions{.max_pixels = max_pixels, .stop = stop_.get(), .background = background});
  }
  ~Video() {
    if (::getpid() == process_) return;
    (void)reader_.release();
    (void)stop_.release();
  }
  Video(const Video&) = delete;
  Video& operator=(const Video&) = delete;

  /// (number, time_s), or None at the end. Not held back by a fork: a camera may be waited for.
  nb::object next() {
    std::optional<FrameStamp> stamp;
    {
      VideoReader& video = reader();
      const nb::gil_scoped_release release;
      stamp = video.next();
    }
    if (!stamp) return nb::none();
    return nb::make_tuple(stamp->number, stamp->time_s);
  }

  nb::object image() {
    VideoReader& video = reader();
    Image image;
    {
      const nb::gil_scoped_release release;
      image = video.image();
    }
    return array_of(std::move(image));
  }

  /// Ends it at the next frame.
  void stop() { *stop_ = true; }

  VideoReader& reader() const {
    if (::getpid() != process_) {
      throw Error(ErrorCode::kInvalidArgument,
                  "video: expected the process that has opened it, found a child of it; open it "
                  "there");
    }
    return *reader_;
  }

 private:
  pid_t process_ = ::getpid();
  std::unique_ptr<std::atomic<bool>> stop_ = std::make_unique<std::atomic<bool>>(false);
  std::unique_ptr<VideoReader> reader_;
};

}  // namespace

void add_videos(nb::module_& module) {
  nb::class_<Video>(module, "Video")
      .def(nb::init<nb::handle, std::int64_t, std::array<std::uint8_t, 3>>())
      .def("next", &Video::next)
      .def("image", &Video::image)
      .def("stop", &Video::stop)
      .def("damage", [](const Video& video) { return video.reader().damage(); })
      .def("missing_frames", [](const Video& video) { return video.reader().missing_frames(); })
      .def("frames_per_s", [](const Video& video) { return video.reader().frames_per_s(); })
      .def("expected_frames", [](const Video& video) { return video.reader().expected_frames(); })
      .def("pixel_aspect", [](const Video& video) { return video.reader().pixel_aspect(); });
}

}  // namespace retinaface::python
