#include "retinaface/array_view.h"

#include <array>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> copy_of(ArrayView<int> view) {
  return {view.begin(), view.end()};
}

TEST(ArrayView, TakesWhatLiesInARow) {
  const std::vector<int> vector = {1, 2, 3};
  std::array<int, 2> array = {4, 5};
  const int plain[] = {6, 7};
  EXPECT_THAT(copy_of(vector), ElementsAre(1, 2, 3));
  EXPECT_THAT(copy_of(array), ElementsAre(4, 5));
  EXPECT_THAT(copy_of(plain), ElementsAre(6, 7));
  EXPECT_THAT(copy_of(std::span(vector).last(2)), ElementsAre(2, 3));
  EXPECT_THAT(copy_of({plain, 1}), ElementsAre(6));
  EXPECT_THAT(copy_of({}), IsEmpty());
  const ArrayView<int> view = vector;
  EXPECT_EQ(view[2], 3);
  EXPECT_EQ(view.data(), vector.data());
  EXPECT_FALSE(view.empty());
  const std::span<const int> back = view;
  EXPECT_EQ(back.data(), vector.data());
}

struct Base {
  int value;
};
struct Derived : Base {
  int more;
};
// Objects of another size must not be stepped through as if they were T.
static_assert(!std::is_constructible_v<ArrayView<Base>, std::vector<Derived>>);
static_assert(!std::is_constructible_v<ArrayView<int>, std::string>);
static_assert(!std::is_constructible_v<ArrayView<int>, int>);

TEST(ArrayView, SeesAnythingAsBytes) {
  const std::string text = "ab";
  const ArrayView<std::byte> bytes = bytes_of(text.data(), text.size());
  ASSERT_EQ(bytes.size(), 2U);
  EXPECT_EQ(bytes[1], std::byte{'b'});
}

}  // namespace
}  // namespace retinaface
