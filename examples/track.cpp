// Prints the faces of a video with their track numbers: track VIDEO
#include <retinaface/retinaface.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const retinaface::Detector detector;
  retinaface::VideoReader video(argv[1]);
  retinaface::Tracker tracker;
  while (const auto frame = video.next()) {
    const auto faces = detector.detect(video.image());
    const auto tracks = tracker.update(faces, frame->time_s);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      std::printf("%.2f s: face %lld at (%.1f, %.1f)\n", frame->time_s,
                  static_cast<long long>(tracks[i]), faces[i].box.x0, faces[i].box.y0);
    }
  }
}
