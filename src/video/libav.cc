#include "video/libav.h"

#include <array>
#include <new>
#include <type_traits>

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::video {
namespace {

/// "libavformat", 59 -> "libavformat.so.59", Debian's package libavformat59. The number is that of
/// the headers: the structures of another one are others.
struct Shared {
  const char* name;
  int version;
};

constexpr Shared kFormat = {"libavformat", LIBAVFORMAT_VERSION_MAJOR};
constexpr Shared kCodec = {"libavcodec", LIBAVCODEC_VERSION_MAJOR};
constexpr Shared kUtil = {"libavutil", LIBAVUTIL_VERSION_MAJOR};
constexpr Shared kScale = {"libswscale", LIBSWSCALE_VERSION_MAJOR};
// Of the same release, and so of the same number; its header is not needed for one function.
constexpr Shared kDevice = {"libavdevice", LIBAVFORMAT_VERSION_MAJOR};

/// The handle, or nullptr and the reason.
void* open(const Shared& shared, std::string& reason) {
  const std::string file = fmt::format("{}.so.{}", shared.name, shared.version);
  void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const text = ::dlerror();
    reason = printable(text != nullptr ? text : file.c_str());
  }
  return handle;
}

template <typename Function>
void find(void* handle, const char* name, Function& function, std::string& reason) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr) reason = fmt::format("{} is missing", name);
}

struct Loaded {
  Libav av;
  std::string reason;  ///< why the functions cannot be used; empty if they can

  Loaded() {
    std::array<void*, 4> handles{};
    constexpr std::array kShared = {kFormat, kCodec, kUtil, kScale};
    for (std::size_t i = 0; i < kShared.size(); ++i) {
      handles[i] = open(kShared[i], reason);
      if (handles[i] == nullptr) return;
    }
#define RF_FIND(name) find(handle, #name, av.name, reason);
    void* handle = handles[0];
    RF_LIBAVFORMAT(RF_FIND)
    handle = handles[1];
    RF_LIBAVCODEC(RF_FIND)
    handle = handles[2];
    RF_LIBAVUTIL(RF_FIND)
    handle = handles[3];
    RF_LIBSWSCALE(RF_FIND)
#undef RF_FIND
    // What they would print of damaged videos is not for the user; errors carry what matters.
    if (reason.empty()) av.av_log_set_level(AV_LOG_QUIET);
  }
};

}  // namespace

const Libav& Libav::get(const std::string& video) {
  static const Loaded loaded;
  if (!loaded.reason.empty()) {
    fail(ErrorCode::kUnsupported,
         "{}: videos need {}.so.{} and {}.so.{} (Debian: apt-get install {}{} {}{}): {}", video,
         kFormat.name, kFormat.version, kScale.name, kScale.version, kFormat.name, kFormat.version,
         kScale.name, kScale.version, loaded.reason);
  }
  return loaded.av;
}

void Libav::load_devices(const std::string& camera) {
  get(camera);
  static std::string reason;
  static const bool loaded = [] {
    void* const handle = open(kDevice, reason);
    if (handle == nullptr) return false;
    void (*register_all)() = nullptr;
    find(handle, "avdevice_register_all", register_all, reason);
    if (register_all != nullptr) register_all();
    return register_all != nullptr;
  }();
  if (!loaded) {
    fail(ErrorCode::kUnsupported, "{}: cameras need {}.so.{} (Debian: apt-get install {}{}): {}",
         camera, kDevice.name, kDevice.version, kDevice.name, kDevice.version, reason);
  }
}

std::string Libav::reason(int error) const {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return printable(text.data());
}

}  // namespace retinaface::video
