#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace retinaface::training {

/// A file that grows while a run goes on. Each record reaches the system as a whole, so that a kill
/// leaves no half of one.
class GrowingFile {
 public:
  /// Starts with the first `keep_bytes` of what is there: a resumed run drops the records of steps
  /// that it will do again. Throws Error(kUnwritable).
  GrowingFile(const std::filesystem::path& path, std::uint64_t keep_bytes);

  /// Throws Error(kUnwritable).
  void append(std::string_view record);
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
