#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/asked_to_end.h"
#include "base/check.h"
#include "base/part_file.h"
#include "base/plain_file.h"
#include "base/stream.h"
#include "base/utf8.h"
#include "base/wanted_file.h"

namespace retinaface {
inline namespace internal {
namespace {

std::string system_message(int error) {
  return std::generic_category().message(error);
}

/// Closes a descriptor at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }
  /// False when the system reports that earlier writes were lost.
  bool close() {
    const int value = std::exchange(value_, -1);
    return value < 0 || ::close(value) == 0;
  }

 private:
  int value_;
};

std::string escaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_bytes(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
      ++i;
    } else {
      result.append(text, i, length);
      i += length;
    }
  }
  return result;
}

/// Whether it is a device, /dev/zero or a disk, other than /dev/null and terminals, which end as
/// pipes do.
bool may_be_endless(int descriptor, const struct stat& status) {
  if (!S_ISCHR(status.st_mode)) return S_ISBLK(status.st_mode);
  struct stat null {};
  const bool is_null = ::stat("/dev/null", &null) == 0 && null.st_rdev == status.st_rdev;
  return !is_null && ::isatty(descriptor) == 0;
}

/// Opens a file for reading, with further flags. Throws Error.
int open_to_read(const std::filesystem::path& path, int flags) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (file >= 0) return file;
  fail(errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kUnreadable,
       "{}: {}", printable(path), system_message(errno));
}

/// What can be known of an open file.
struct stat status_of(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    fail(ErrorCode::kUnreadable, "{}: {}", printable(path), system_message(errno));
  }
  return status;
}

/// A pipe or a device to its end.
std::vector<std::byte> read_other(const std::filesystem::path& path, std::uint64_t max_bytes,
                                  IsWanted is_wanted) {
  const Descriptor file(open_to_read(path, O_NONBLOCK));
  if (may_be_endless(file.get(), status_of(file.get(), path))) {
    fail(ErrorCode::kUnreadable, "{}: expected a file, found a device", printable(path));
  }
  return read_stream(file.get(), printable(path), std::min(max_bytes, kMaxPipeBytes),
                     asked_to_end(), is_wanted);
}

std::vector<std::byte> read_plain(const std::filesystem::path& path, std::uint64_t max_bytes,
                                  IsWanted is_wanted) {
  const Descriptor file(open_to_read(path, 0));
  const struct stat status = status_of(file.get(), path);
  if (S_ISDIR(status.st_mode)) {
    fail(ErrorCode::kUnreadable, "{}: expected a file, found a folder", printable(path));
  }
  const auto check_size = [&](std::uint64_t size) {
    if (size > max_bytes) {
      fail(ErrorCode::kTooLarge, "{}: larger than the {} bytes that are read at most",
           printable(path), max_bytes);
    }
  };
  check_size(static_cast<std::uint64_t>(status.st_size));

  // One byte more than the size, so that an ordinary file needs a single buffer; those that grow
  // and those of /proc need more.
  const std::size_t whole = static_cast<std::size_t>(status.st_size) + 1;
  std::vector<std::byte> content(is_wanted != nullptr ? std::min(whole, kBeginningBytes) : whole);
  for (std::size_t filled = 0;;) {
    const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorCode::kUnreadable, "{}: {}", printable(path), system_message(errno));
    filled += static_cast<std::size_t>(got);
    if (got == 0) {
      content.resize(filled);
      return content;
    }
    check_size(filled);
    if (filled < content.size()) continue;
    if (is_wanted != nullptr && !std::exchange(is_wanted, nullptr)(content)) return content;
    content.resize(filled < whole ? whole : 2 * filled + 4096);
  }
}

}  // namespace

std::string printable(const std::filesystem::path& path) {
  return escaped(path.native());
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t kMaxBytes = 100;
  if (text.size() <= kMaxBytes) return escaped(text);
  std::size_t end = kMaxBytes;  // not inside a character
  while (end > kMaxBytes - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return escaped(text.substr(0, end)) + "...";
}

std::vector<std::byte> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  expect_plain_file(path);
  return read_plain(path, max_bytes, nullptr);
}

std::vector<std::byte> read_named_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  return read_wanted_file(path, max_bytes, nullptr);
}

std::vector<std::byte> read_wanted_file(const std::filesystem::path& path, std::uint64_t max_bytes,
                                        IsWanted is_wanted) {
  std::error_code ignored;
  return std::filesystem::is_other(std::filesystem::status(path, ignored))
             ? read_other(path, max_bytes, is_wanted)
             : read_plain(path, max_bytes, is_wanted);
}

bool path_exists(const std::filesystem::path& path) noexcept {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

bool file_exists(const std::filesystem::path& path) noexcept {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

bool folder_exists(const std::filesystem::path& path) noexcept {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

void make_folders(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    fail(ErrorCode::kUnwritable, "{}: cannot be made a folder: {}", printable(path),
         error.message());
  }
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> content) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  const bool is_replaced = can_be_replaced(path);
  const std::filesystem::path target = is_replaced ? written_target(path) : path;
  const std::filesystem::path part = is_replaced ? part_beside(target) : target;
  const auto give_up = [&](int error) {
    if (is_replaced) ::unlink(part.c_str());
    fail(ErrorCode::kUnwritable, "{}: cannot be written: {}", printable(path),
         system_message(error));
  };

  // Of a file that its owner has protected, too, the folder alone says who may replace it.
  if (is_replaced && std::filesystem::exists(status) && ::access(target.c_str(), W_OK) != 0) {
    give_up(errno);
  }
  const int creates = std::filesystem::is_other(status) ? 0 : O_CREAT | O_TRUNC;
  Descriptor file(::open(part.c_str(), O_WRONLY | O_CLOEXEC | creates, 0666));
  if (file.get() < 0) give_up(errno);
  if (is_replaced) take_permissions(part, target);
  while (!content.empty()) {
    const ssize_t put = ::write(file.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) give_up(errno);
    content = content.subspan(static_cast<std::size_t>(put));
  }
  if (!file.close()) give_up(errno);
  if (is_replaced && ::rename(part.c_str(), target.c_str()) != 0) give_up(errno);
}

void write_file_atomically(const std::filesystem::path& path, const std::string& content) {
  write_file_atomically(path, std::as_bytes(std::span(content)));
}

}  // namespace internal
}  // namespace retinaface
