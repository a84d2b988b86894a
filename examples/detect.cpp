// Prints the faces of an image: detect IMAGE
#include <retinaface/retinaface.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const retinaface::Detector detector;
  for (const retinaface::Face& face : detector.detect(retinaface::read_image(argv[1]))) {
    std::printf("%.3f at (%.1f, %.1f), %.1f x %.1f\n", face.score, face.box.x0, face.box.y0,
                face.box.width(), face.box.height());
  }
}
