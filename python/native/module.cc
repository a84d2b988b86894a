// retinaface_cpp._native: the library as the package's Python code calls it. What users see is
// python/retinaface_cpp/; nothing here is for them.

#include "module.h"

#include <exception>

#include "retinaface/error.h"
#include "retinaface/version.h"

#include "gate.h"

namespace retinaface::python {

namespace nb = nanobind;

namespace {

/// As the classes of retinaface_cpp/errors.py and the service call it.
const char* name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kUnreadable:
      return "unreadable";
    case ErrorCode::kUnwritable:
      return "unwritable";
    case ErrorCode::kBadData:
      return "bad_data";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kTooLarge:
      return "too_large";
  }
  return "";
}

}  // namespace

void add_errors(nb::module_&) {
  // std::bad_alloc is MemoryError by nanobind's own translation.
  nb::register_exception_translator([](const std::exception_ptr& exception, void*) {
    try {
      std::rethrow_exception(exception);
    } catch (const Error& error) {
      const nb::object made = nb::module_::import_("retinaface_cpp.errors")
                                  .attr("error_of")(name_of(error.code()), nb::str(error.what()));
      PyErr_SetObject(made.type().ptr(), made.ptr());
    }
  });
}

}  // namespace retinaface::python

NB_MODULE(_native, module) {
  using namespace retinaface::python;
  module.def("version", [] { return retinaface::version(); });
  module.def("before_fork", [] {
    const nanobind::gil_scoped_release release;
    ForkGate::get().before_fork();
  });
  module.def("after_fork_in_parent", [] { ForkGate::get().after_fork(); });
  module.def("after_fork_in_child", [] { ForkGate::get().begin_anew(); });
  add_errors(module);
  add_detection(module);
  add_images(module);
  add_recognition(module);
  add_videos(module);
}
