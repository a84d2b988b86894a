#pragma once

#include <cstdint>

namespace retinaface::runtime::kernels {

/// Cuts `count` things into pieces of at most kMaxSize, all of about one size, larger ones first.
/// One division for all of them: it takes as long as dozens of products.
template <std::int64_t kMaxSize>
class Pieces {
 public:
  explicit Pieces(std::int64_t count) {
    const std::int64_t pieces = (count + kMaxSize - 1) / kMaxSize;
    if (pieces == 0) return;
    size_ = count / pieces;
    larger_ = count - size_ * pieces;
  }

  /// The size of the next one.
  std::int64_t next() { return larger_-- > 0 ? size_ + 1 : size_; }

 private:
  std::int64_t size_ = 0;
  std::int64_t larger_ = 0;  ///< pieces to come that are larger by one
};

/// i * from / to for i = 0, 1, 2 ... below `to`, without a division each.
class Resampled {
 public:
  Resampled(std::int64_t from, std::int64_t to) : step_(from / to), rest_(from % to), to_(to) {}

  std::int64_t next() {
    const std::int64_t at = at_;
    at_ += step_;
    over_ += rest_;
    if (over_ >= to_) {
      over_ -= to_;
      ++at_;
    }
    return at;
  }

 private:
  std::int64_t step_;
  std::int64_t rest_;
  std::int64_t to_;
  std::int64_t at_ = 0;
  std::int64_t over_ = 0;
};

}  // namespace retinaface::runtime::kernels
