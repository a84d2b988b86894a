#include "video/libav.h"

#include <array>
#include <string>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/shared_library.h"

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

SharedLibrary open(const Shared& shared) {
  return SharedLibrary(fmt::format("{}.so.{}", shared.name, shared.version));
}

struct Loaded {
  Libav av;
  std::string reason;  ///< why the functions cannot be used; empty if they can

  Loaded() {
    SharedLibrary format = open(kFormat);
    SharedLibrary codec = open(kCodec);
    SharedLibrary util = open(kUtil);
    SharedLibrary scale = open(kScale);
#define RF_FIND(name) library.find(#name, av.name);
    const auto find_in_format = [&](SharedLibrary& library) { RF_LIBAVFORMAT(RF_FIND) };
    const auto find_in_codec = [&](SharedLibrary& library) { RF_LIBAVCODEC(RF_FIND) };
    const auto find_in_util = [&](SharedLibrary& library) { RF_LIBAVUTIL(RF_FIND) };
    const auto find_in_scale = [&](SharedLibrary& library) { RF_LIBSWSCALE(RF_FIND) };
#undef RF_FIND
    find_in_format(format);
    find_in_codec(codec);
    find_in_util(util);
    find_in_scale(scale);
    for (const SharedLibrary* library : {&format, &codec, &util, &scale}) {
      if (reason.empty()) reason = library->problem();
    }
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
  static const std::string reason = [] {
    SharedLibrary device = open(kDevice);
    void (*register_all)() = nullptr;
    device.find("avdevice_register_all", register_all);
    if (register_all != nullptr) register_all();
    return device.problem();
  }();
  if (!reason.empty()) {
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
