#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace retinaface::cli {

/// A line on standard error that counts up, "detecting: 17 of 209, 41.3/s, 5 s left", where that is
/// a terminal; else nothing. Ends with its scope, and takes the line away.
class ProgressLine {
 public:
  explicit ProgressLine(std::string what);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `of` is 0 where it is not known.
  void show(std::size_t done, std::size_t of);

  /// Takes the line away until the next show(), for something else to be written.
  void hide();

 private:
  std::string what_;
  bool on_terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace retinaface::cli
