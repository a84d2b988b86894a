// What a video costs beside the network: decoding, tracking, drawing and encoding of each frame, in
// processor time of all threads, so that other programs do not count. The video is made here: a
// view that moves over the image. Usage: bench_video IMAGE [WIDTHxHEIGHT] [FRAMES]
//   -> one JSON line, ms of the processor a frame

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "retinaface/detector.h"

#include "base/check.h"
#include "image/draw.h"
#include "image_arguments.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/backends/backends.h"
#include "tracking/tracker.h"
#include "video/video_reader.h"
#include "video/video_writer.h"

namespace {

using namespace retinaface;

constexpr double kRate = 25;

double processor_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

/// Adds what its scope takes to `sum`.
class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum), start_(processor_ms()) {}
  ~Stopwatch() { sum_ += processor_ms() - start_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& sum_;
  double start_;
};

/// The image, repeated to all sides, seen from (x, y).
Image view(const Image& image, int x, int y, int width, int height) {
  Image result(width, height);
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      std::memcpy(result.row(row) + 3 * column,
                  image.row((y + row) % image.height()) + 3 * ((x + column) % image.width()), 3);
    }
  }
  return result;
}

void make_video(const std::filesystem::path& path, const Image& image, int width, int height,
                int frames) {
  video::VideoWriter writer(path, width, height, {.frames_per_s = kRate});
  for (int i = 0; i < frames; ++i) {
    writer.write(view(image, 3 * i, i + image.height() / 3, width, height), i / kRate);
  }
  writer.finish();
}

void measure(const std::string& path, int width, int height, int frames) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  const auto video = folder / fmt::format("bench_video_{}.mp4", ::getpid());
  const auto drawn = folder / fmt::format("bench_video_{}_drawn.mp4", ::getpid());
  make_video(video, read_image(path), width, height, frames);

  const models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  const auto network = runtime::backends().make(model.graph, model.weights);
  const auto session = network->new_session();
  session->input(1, height, width);
  const Detector detector;
  tracking::Tracker tracker;
  double decode = 0, forward = 0, detect = 0, track = 0, draw = 0, encode = 0;
  std::size_t faces_seen = 0;
  {
    video::VideoReader reader(video.string());
    video::VideoWriter writer(drawn, width, height, {.frames_per_s = kRate});
    for (int i = 0; i < frames; ++i) {
      std::optional<video::FrameStamp> frame;
      Image image;
      {
        const Stopwatch watch(decode);
        frame = reader.next();
        if (!frame) fail(ErrorCode::kBadData, "{}: ends early", video.string());
        image = reader.image();
      }
      session->run();  // so that the next run finds its memory in the caches, as runs in a row do
      {
        const Stopwatch watch(forward);
        session->run();
      }
      std::vector<Face> faces;
      {
        const Stopwatch watch(detect);
        faces = detector.detect(image, {.min_score = 0.1F});
      }
      std::vector<std::int64_t> tracks;
      {
        const Stopwatch watch(track);
        tracks = tracker.update(faces, frame->time_s);
      }
      faces_seen += faces.size();
      {
        const Stopwatch watch(draw);
        std::vector<FaceMark> marks;
        for (std::size_t f = 0; f < faces.size(); ++f) {
          marks.push_back({faces[f].box, faces[f].landmarks, faces[f].score, tracks[f]});
        }
        draw_faces(image, marks);
      }
      {
        const Stopwatch watch(encode);
        writer.write(image, frame->time_s);
      }
    }
    const Stopwatch watch(encode);
    writer.finish();
  }
  std::filesystem::remove(video);
  std::filesystem::remove(drawn);
  const double n = frames;
  fmt::print(
      "{{\"width\": {}, \"height\": {}, \"frames\": {}, \"faces_a_frame\": {:.1f}, \"forward_ms\": "
      "{:.3f}, \"detect_ms\": {:.3f}, \"decode_ms\": {:.3f}, \"track_ms\": {:.3f}, \"draw_ms\": "
      "{:.3f}, \"encode_ms\": {:.3f}, \"frames_per_s_of_forward\": {:.3f}, "
      "\"decode_and_draw_of_forward\": {:.3f}}}\n",
      width, height, frames, static_cast<double>(faces_seen) / n, forward / n, detect / n,
      decode / n, track / n, draw / n, encode / n, forward / (decode + detect + track),
      (decode + track + draw) / forward);
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::run_on_image(argc, argv, "bench_video IMAGE [WIDTHxHEIGHT] [FRAMES]",
                                  "640x480", [](const benchmarks::ImageArguments& given) {
                                    const int frames = std::atoi(given.argument(0, "100").c_str());
                                    if (frames < 1) return false;
                                    measure(given.image, given.width, given.height, frames);
                                    return true;
                                  });
}
