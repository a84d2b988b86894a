#pragma once

#include <string>
#include <type_traits>

namespace retinaface {
inline namespace internal {

/// A library that is loaded when something first needs it, and then stays: linked, it would make
/// every start slower.
class SharedLibrary {
 public:
  /// `file` is its name with the version of the headers, "libheif.so.1".
  explicit SharedLibrary(const std::string& file);

  /// Sets `function`, of the type that the library's header declares. One that is missing makes
  /// problem() say so.
  template <typename Function>
  void find(const char* name, Function*& function) {
    static_assert(std::is_function_v<Function>);
    function = reinterpret_cast<Function*>(symbol(name));
  }

  /// Why it cannot be used, on one line; empty if it can.
  const std::string& problem() const { return problem_; }

 private:
  void* symbol(const char* name);

  void* handle_ = nullptr;
  std::string problem_;
};

}  // namespace internal
}  // namespace retinaface
