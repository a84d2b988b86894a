#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace retinaface {

/// Adjacent objects that somebody else owns: what std::span<const T> is in C++20, for C++17 too.
/// A parameter of this type takes a std::vector, std::array, std::span or array of T; it is valid
/// as long as what it was made of.
template <typename T>
class ArrayView {
  /// Containers of T itself, not of what is derived from it.
  template <typename Container>
  using IfContainer = std::enable_if_t<
      std::is_convertible_v<
          std::remove_pointer_t<decltype(std::declval<const Container&>().data())> (*)[],
          const T (*)[]> &&
      std::is_convertible_v<decltype(std::declval<const Container&>().size()), std::size_t>>;

 public:
  constexpr ArrayView() = default;
  constexpr ArrayView(const T* data, std::size_t size) : data_(data), size_(size) {}
  template <std::size_t kSize>
  constexpr ArrayView(const T (&array)[kSize]) : data_(array), size_(kSize) {}
  template <typename Container, typename = IfContainer<Container>>
  constexpr ArrayView(const Container& container)
      : data_(container.data()), size_(container.size()) {}

  constexpr const T* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const T* begin() const { return data_; }
  constexpr const T* end() const { return data_ + size_; }
  constexpr const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// `size` bytes from `data` on, whatever they are declared as.
inline ArrayView<std::byte> bytes_of(const void* data, std::size_t size) {
  return {static_cast<const std::byte*>(data), size};
}

}  // namespace retinaface
