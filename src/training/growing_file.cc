#include "training/growing_file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::training {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::error_code& problem) {
  fail(ErrorCode::kUnwritable, "{}: cannot be written: {}", name, problem.message());
}

void check_written(bool fine, const std::string& name) {
  if (!fine) refuse(name, {errno, std::generic_category()});
}

}  // namespace

GrowingFile::GrowingFile(const std::filesystem::path& path, std::uint64_t keep_bytes)
    : name_(printable(path)), file_(std::fopen(path.c_str(), "ab")) {
  check_written(file_ != nullptr, name_);
  std::error_code problem;
  const std::uint64_t size = std::filesystem::file_size(path, problem);
  if (problem) refuse(name_, problem);
  bytes_ = std::min(size, keep_bytes);
  check_written(::ftruncate(::fileno(file_.get()), static_cast<off_t>(bytes_)) == 0, name_);
}

void GrowingFile::append(std::string_view record) {
  check_written(std::fwrite(record.data(), 1, record.size(), file_.get()) == record.size() &&
                    std::fflush(file_.get()) == 0,
                name_);
  bytes_ += record.size();
}

}  // namespace retinaface::training
