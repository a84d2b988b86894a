#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace retinaface {
inline namespace internal {

/// Uninitialised memory aligned to a cache line, for trivial types. Moves, does not copy.
template <typename T>
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  AlignedBuffer() = default;
  /// Throws std::bad_alloc when the memory is not to be had.
  explicit AlignedBuffer(std::size_t size) : data_(allocate(size)), size_(size) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  operator std::span<const T>() const { return {data(), size_}; }
  operator std::span<T>() { return {data(), size_}; }

 private:
  struct Free {
    void operator()(T* pointer) const { std::free(pointer); }
  };

  static T* allocate(std::size_t size) {
    if (size == 0) return nullptr;
    if (size > (std::size_t(-1) - kAlignment) / sizeof(T)) throw std::bad_alloc();
    const std::size_t bytes = (size * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    void* const pointer = std::aligned_alloc(kAlignment, bytes);
    if (pointer == nullptr) throw std::bad_alloc();
    return static_cast<T*>(pointer);
  }

  std::unique_ptr<T[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace internal
}  // namespace retinaface
