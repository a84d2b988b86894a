#include "training/growing_file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::training {
namespace {

void check_written(bool fine, const std::string& name) {
  if (!fine) {
    fail(ErrorCode::kUnwritable, "{}: cannot be written: {}", name,
         std::generic_category().message(errno));
  }
}

}  // namespace

GrowingFile::GrowingFile(const std::filesystem::path& path, std::uint64_t keep_bytes)
    : name_(printable(path)), file_(std::fopen(path.c_str(), "ab")) {
  check_written(file_ != nullptr, name_);
  bytes_ = std::min<std::uint64_t>(std::filesystem::file_size(path), keep_bytes);
  check_written(::ftruncate(::fileno(file_.get()), static_cast<off_t>(bytes_)) == 0, name_);
}

void GrowingFile::append(std::string_view record) {
  check_written(std::fwrite(record.data(), 1, record.size(), file_.get()) == record.size() &&
                    std::fflush(file_.get()) == 0,
                name_);
  bytes_ += record.size();
}

}  // namespace retinaface::training
