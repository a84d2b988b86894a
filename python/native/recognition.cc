#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "retinaface/recognizer.h"

#include "arrays.h"
#include "gate.h"
#include "module.h"
#include "source.h"

namespace retinaface::python {

namespace nb = nanobind;

namespace {

/// Of `name` as Recognizer takes it, or `bytes` of a model file.
Recognizer make_recognizer(nb::handle name, const std::optional<nb::bytes>& bytes) {
  const std::string model = path_of(name);
  const void* const data = bytes ? bytes->data() : nullptr;
  const std::size_t size = bytes ? bytes->size() : 0;
  const Working working;
  return data == nullptr ? Recognizer(model) : Recognizer::from_bytes(bytes_of(data, size));
}

/// (N, embedding size) of faces of one image, `points` (N, 5, 2).
nb::object embed(const Recognizer& recognizer, nb::handle image, bool bgr, const Floats& points) {
  Source source(image, bgr, {});
  const std::vector<Landmarks> faces = landmarks_of(points);
  std::vector<float> values;
  {
    const Working working;
    const ImageView view = source.open();
    for (const Landmarks& landmarks : faces) {
      const std::vector<float> embedding = recognizer.embed(view, landmarks);
      values.insert(values.end(), embedding.begin(), embedding.end());
    }
  }
  return array_of(std::move(values),
                  {faces.size(), static_cast<std::size_t>(recognizer.embedding_size())});
}

}  // namespace

void add_recognition(nb::module_& module) {
  nb::class_<Recognizer>(module, "Recognizer")
      .def("__init__",
           [](Recognizer* self, nb::handle model, const std::optional<nb::bytes>& bytes) {
             new (self) Recognizer(make_recognizer(model, bytes));
           })
      .def("embed", embed)
      .def("embedding_size", &Recognizer::embedding_size);
  module.def("similarity", [](const Floats& a, const Floats& b) {
    return similarity({a.data(), a.size()}, {b.data(), b.size()});
  });
}

}  // namespace retinaface::python
