#include "base/origin_seal.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <system_error>

#include "base/check.h"
#include "base/file.h"
#include "base/origin_mark.h"

namespace retinaface {
inline namespace internal {
namespace {

std::string before_digits() {
  return std::string(kOriginMark) + std::string(kMarkChecksum);
}

/// A file that is open, of which any part can be read.
class SeenFile {
 public:
  SeenFile(std::istream& file, std::uint64_t size) : file_(file), size_(size) {}

  std::uint64_t size() const { return size_; }

  /// Fewer bytes than asked for where the file cannot be read.
  std::string part(std::uint64_t begin, std::uint64_t end) {
    std::string bytes(static_cast<std::size_t>(end - begin), '\0');
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(begin));
    file_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file_.gcount(), 0)));
    return bytes;
  }

  /// Where the digits of a mark begin, the last that begins so in the file's end.
  std::optional<std::uint64_t> digits_in_end(const std::string& mark) {
    const std::uint64_t begin = size_ - std::min<std::uint64_t>(size_, kSealEdgeBytes);
    return digits_behind(begin, part(begin, size_).rfind(mark));
  }

  /// The same of the first in its beginning.
  std::optional<std::uint64_t> digits_in_beginning(const std::string& mark) {
    return digits_behind(0, part(0, std::min<std::uint64_t>(size_, kSealEdgeBytes)).find(mark));
  }

  /// The checksum of all of it, the digits that begin there taken as zeros.
  std::string checksum(std::uint64_t digits) {
    constexpr std::uint64_t kAtOnce = std::uint64_t{1} << 20;
    ContentHasher hasher;
    const auto add = [&](std::uint64_t begin, std::uint64_t end) {
      for (; begin < end; begin += kAtOnce) {
        const std::string bytes = part(begin, std::min(begin + kAtOnce, end));
        hasher.add(std::as_bytes(std::span(bytes)));
      }
    };
    add(0, digits);
    const std::string zeros(kHashDigits, '0');
    hasher.add(std::as_bytes(std::span(zeros)));
    add(digits + kHashDigits, size_);
    return digits_of(hasher.hash());
  }

 private:
  std::optional<std::uint64_t> digits_behind(std::uint64_t begin, std::size_t mark) const {
    const std::uint64_t digits = begin + mark + before_digits().size();
    if (mark == std::string::npos || digits + kHashDigits > size_) return std::nullopt;
    return digits;
  }

  std::istream& file_;
  std::uint64_t size_;
};

}  // namespace

std::string open_mark() {
  return before_digits() + std::string(kHashDigits, '0');
}

void Sealer::add(std::string_view part) {
  hasher_.add(std::as_bytes(std::span(part)));
}

std::string Sealer::end(std::string part) {
  const std::size_t mark = part.rfind(open_mark());
  RF_CHECK(mark != std::string::npos);
  add(part);
  part.replace(mark + before_digits().size(), kHashDigits, digits_of(hasher_.hash()));
  return part;
}

std::string sealed(std::string text) {
  return Sealer().end(std::move(text));
}

void seal_file(const std::filesystem::path& path) {
  const auto expect = [&](bool succeeded) {
    if (succeeded) return;
    fail(ErrorCode::kUnwritable, "{}: cannot be written: {}", printable(path),
         std::generic_category().message(errno));
  };
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
  expect(!error && stream.is_open());
  SeenFile file(stream, size);
  std::optional<std::uint64_t> digits = file.digits_in_end(open_mark());
  if (!digits) digits = file.digits_in_beginning(open_mark());
  if (!digits) return;
  const std::string checksum = file.checksum(*digits);
  stream.clear();
  stream.seekp(static_cast<std::streamoff>(*digits));
  stream.write(checksum.data(), static_cast<std::streamsize>(checksum.size()));
  stream.close();
  expect(!stream.fail());
}

bool is_sealed(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream stream(path, std::ios::binary);
  if (error || !stream.is_open()) return false;
  SeenFile file(stream, size);
  const auto is_true = [&](std::optional<std::uint64_t> digits) {
    return digits && file.part(*digits, *digits + kHashDigits) == file.checksum(*digits);
  };
  const std::optional<std::uint64_t> last = file.digits_in_end(before_digits());
  const std::optional<std::uint64_t> first = file.digits_in_beginning(before_digits());
  return is_true(last) || (first != last && is_true(first));
}

}  // namespace internal
}  // namespace retinaface
