#include "training/metrics_log.h"

#include <cerrno>
#include <system_error>

#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::training {

MetricsLog::MetricsLog(const std::filesystem::path& path, std::uint64_t keep_bytes)
    : name_(printable(path)) {
  const auto check = [&](bool fine) {
    if (!fine) {
      fail(ErrorCode::kUnreadable, "{}: cannot be written: {}", name_,
           std::generic_category().message(errno));
    }
  };
  file_.reset(std::fopen(path.c_str(), "ab"));
  check(file_ != nullptr);
  const std::uint64_t size = std::filesystem::file_size(path);
  bytes_ = std::min(size, keep_bytes);
  check(::ftruncate(::fileno(file_.get()), static_cast<off_t>(bytes_)) == 0);
}

void MetricsLog::add(const std::string& line) {
  const std::string whole = line + "\n";
  if (std::fwrite(whole.data(), 1, whole.size(), file_.get()) != whole.size() ||
      std::fflush(file_.get()) != 0) {
    fail(ErrorCode::kUnreadable, "{}: cannot be written: {}", name_,
         std::generic_category().message(errno));
  }
  bytes_ += whole.size();
}

}  // namespace retinaface::training
