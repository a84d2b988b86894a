#include "base/shared_library.h"

#include <utility>

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/file.h"

namespace retinaface {

SharedLibrary::SharedLibrary(const std::string& file)
    : handle_(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ != nullptr) return;
  const char* const text = ::dlerror();
  problem_ = printable(text != nullptr ? text : file.c_str());
}

void* SharedLibrary::symbol(const char* name) {
  if (handle_ == nullptr) return nullptr;
  void* const found = ::dlsym(handle_, name);
  if (found == nullptr && problem_.empty()) problem_ = fmt::format("{} is missing", name);
  return found;
}

}  // namespace retinaface
