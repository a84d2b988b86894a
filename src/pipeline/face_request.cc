#include "pipeline/face_request.h"

#include "retinaface/face_quality.h"

namespace retinaface::pipeline {

int FaceRequest::reduction() const {
  return quality || recognizer ? 1 : reduction_for(detect);
}

DetectedFaces detect_faces(const Detector& detector, const FaceRequest& request,
                           const SeenImage& image, const std::filesystem::path& path,
                           const std::optional<video::FrameStamp>& frame) {
  DetectedFaces detection = detect_faces(detector, request.detect, image, path, frame);
  ImageResult& result = detection.result;
  for (const Face& face : result.faces) {
    if (request.quality) result.qualities.push_back(face_quality(image.pixels, face));
    if (request.recognizer) {
      result.embeddings.push_back(request.recognizer->embed(image.pixels, face.landmarks));
    }
  }
  return detection;
}

}  // namespace retinaface::pipeline
