#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace retinaface::training {

/// A file of JSON lines that grows while a run goes on. Each line reaches the system as a whole, so
/// that a kill leaves no half of one.
class MetricsLog {
 public:
  /// Starts with the first `keep_bytes` of what is there: a resumed run drops the lines of steps
  /// that it will do again. Throws Error(kUnreadable).
  MetricsLog(const std::filesystem::path& path, std::uint64_t keep_bytes);

  /// `line` without its end.
  void add(const std::string& line);
  /// How long the file is now.
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t bytes_ = 0;
};

}  // namespace retinaface::training
