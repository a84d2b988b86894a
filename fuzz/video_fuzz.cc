#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "allow_errors.h"
#include "video/video_kind.h"
#include "video/video_reader.h"

/// libavformat and libavcodec are not built for fuzzing, so new paths in them are not seen; crashes
/// and memory are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retinaface;
  video::is_video(std::as_bytes(std::span(data, size)));
  const int file = ::memfd_create("video", 0);
  if (file < 0 || ::write(file, data, size) != static_cast<ssize_t>(size)) return -1;
  fuzz::allow_errors([&] {
    video::VideoReader reader("/proc/self/fd/" + std::to_string(file), {.max_pixels = 1 << 18});
    constexpr int kEnough = 100;  // of 8 KB: what comes later is more of the same
    for (int i = 0; i < kEnough && reader.next(); ++i) reader.image();
  });
  ::close(file);
  return 0;
}
