// Recognition.

#include <algorithm>

#include "c_interface/objects.h"

using namespace retinaface::c_interface;

rf_status rf_recognizer_new(const char* model, rf_recognizer** result) {
  return rf_recognizer_new_with(model, nullptr, result);
}

rf_status rf_recognizer_new_with(const char* model, const rf_runtime_options* runtime,
                                 rf_recognizer** result) {
  return made(result, [&] {
    expect(model, "model");
    return std::make_unique<rf_recognizer>(
        rf_recognizer{retinaface::Recognizer(model, options_of(runtime))});
  });
}

rf_status rf_recognizer_from_memory(const void* bytes, size_t size, const char* name,
                                    rf_recognizer** result) {
  return rf_recognizer_from_memory_with(bytes, size, name, nullptr, result);
}

rf_status rf_recognizer_from_memory_with(const void* bytes, size_t size, const char* name,
                                         const rf_runtime_options* runtime,
                                         rf_recognizer** result) {
  return made(result, [&] {
    expect(bytes, size, "bytes");
    return std::make_unique<rf_recognizer>(rf_recognizer{retinaface::Recognizer::from_bytes(
        retinaface::bytes_of(bytes, size), name == nullptr ? "model" : name, options_of(runtime))});
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
    expect(values, "values");
    const retinaface::Landmarks points = landmarks_of(landmarks);
    std::ranges::copy(recognizer->recognizer.embed(view_of(*image), points), values);
  });
}

rf_status rf_recognizer_embed_batch(const rf_recognizer* recognizer, const rf_face_in_image* faces,
                                    size_t count, int32_t threads, float* values) {
  return guarded([&] {
    expect(recognizer, "recognizer");
    expect(faces, count, "faces");
    expect(values, count, "values");
    std::vector<retinaface::FaceInImage> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(made_at("faces", i, [&] {
        return retinaface::FaceInImage{view_of(faces[i].image), landmarks_of(faces[i].landmarks)};
      }));
    }
    for (const auto& embedding : recognizer->recognizer.embed_batch(all, threads)) {
      values = std::ranges::copy(embedding, values).out;
    }
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
