// Recognition.

#include <algorithm>

#include "c_interface/objects.h"

using namespace retinaface::c_interface;

rf_status rf_recognizer_new(const char* model, rf_recognizer** result) {
  return made(result, [&] {
    expect(model, "model");
    return std::make_unique<rf_recognizer>(rf_recognizer{retinaface::Recognizer(model)});
  });
}

rf_status rf_recognizer_from_memory(const void* bytes, size_t size, const char* name,
                                    rf_recognizer** result) {
  return made(result, [&] {
    expect(bytes, size, "bytes");
    return std::make_unique<rf_recognizer>(rf_recognizer{retinaface::Recognizer::from_bytes(
        retinaface::bytes_of(bytes, size), name == nullptr ? "model" : name)});
  });
}

size_t rf_recognizer_embedding_size(const rf_recognizer* recognizer) {
  return recognizer == nullptr ? 0 : static_cast<size_t>(recognizer->recognizer.embedding_size());
}

rf_status rf_recognizer_embed(const rf_recognizer* recognizer, const rf_image_view* image,
                              const rf_point* landmarks, float* values) {
  return guarded([&] {
    expect(recognizer, "recognizer");
    expect(image, "image");
    expect(landmarks, "landmarks");
    expect(values, "values");
    retinaface::Landmarks points;
    for (std::size_t k = 0; k < points.size(); ++k) points[k] = {landmarks[k].x, landmarks[k].y};
    std::ranges::copy(recognizer->recognizer.embed(view_of(*image), points), values);
  });
}

rf_status rf_similarity(const float* a, const float* b, size_t size, float* result) {
  return guarded([&] {
    expect(a, "a");
    expect(b, "b");
    expect(result, "result");
    *result = retinaface::similarity({a, size}, {b, size});
  });
}

void rf_recognizer_free(rf_recognizer* recognizer) {
  delete recognizer;
}
