#include "base/stream.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface {
inline namespace internal {
namespace {

struct CloseDescriptor {
  void operator()(const int* descriptor) const { ::close(*descriptor); }
};

[[noreturn]] void fail_as_interrupted(const std::string& name) {
  fail(ErrorCode::kUnreadable, "{}: interrupted before its end", name);
}

}  // namespace

std::vector<std::byte> read_stream(int descriptor, const std::string& name, std::uint64_t max_bytes,
                                   const std::atomic<bool>& stop, IsWanted is_wanted) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 16;
  constexpr int kPollInterval_ms = 100;
  std::vector<std::byte> content;
  while (true) {
    if (stop) fail_as_interrupted(name);
    pollfd ready = {descriptor, POLLIN, 0};
    const int events = ::poll(&ready, 1, kPollInterval_ms);
    // A program around this library may handle signals without setting `stop`, as Python does.
    const bool is_signal = events < 0 && errno == EINTR;
    if (is_signal && content.empty()) fail_as_interrupted(name);
    if (events == 0 || is_signal) continue;
    const std::size_t filled = content.size();
    content.resize(filled + kAtOnce);
    const ssize_t got = ::read(descriptor, content.data() + filled, kAtOnce);
    const int error = errno;
    content.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return content;
    if (got < 0 && error != EINTR && error != EAGAIN) {
      fail(ErrorCode::kUnreadable, "{}: {}", name, std::generic_category().message(error));
    }
    if (content.size() > max_bytes) {
      fail(ErrorCode::kTooLarge, "{}: larger than the {} bytes that are read at most", name,
           max_bytes);
    }
    if (is_wanted != nullptr && content.size() >= kBeginningBytes &&
        !std::exchange(is_wanted, nullptr)(content)) {
      return content;
    }
  }
}

std::vector<std::byte> read_stream(const std::filesystem::path& path, std::uint64_t max_bytes,
                                   const std::atomic<bool>& stop, IsWanted is_wanted) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    fail(errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kUnreadable,
         "{}: {}", printable(path), std::generic_category().message(errno));
  }
  const std::unique_ptr<const int, CloseDescriptor> owner(&file);
  return read_stream(file, printable(path), max_bytes, stop, is_wanted);
}

int open_for_writing(const std::filesystem::path& path, const std::atomic<bool>& stop) {
  constexpr auto kPollInterval = std::chrono::milliseconds(50);
  while (true) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0) {
      ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) & ~O_NONBLOCK);
      return file;
    }
    if (errno != ENXIO && errno != EINTR) {
      fail(ErrorCode::kUnwritable, "{}: {}", printable(path),
           std::generic_category().message(errno));
    }
    if (stop) {
      fail(ErrorCode::kUnwritable, "{}: interrupted before anything reads from it",
           printable(path));
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace internal
}  // namespace retinaface
