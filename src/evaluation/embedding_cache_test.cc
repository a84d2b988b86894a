#include "evaluation/embedding_cache.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using retinaface::testing::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(EmbeddingCache, KeyChangesWithAllThatTheEmbeddingDependsOn) {
  const ContentHash recognizer{1, 2};
  Landmarks points{};
  const ContentHash key = embedding_key(recognizer, bytes("image"), points);
  EXPECT_EQ(embedding_key(recognizer, bytes("image"), points), key);
  EXPECT_NE(embedding_key(recognizer, bytes("imagf"), points), key);
  EXPECT_NE(embedding_key({1, 3}, bytes("image"), points), key);
  points[4].y = 1e-6F;
  EXPECT_NE(embedding_key(recognizer, bytes("image"), points), key);
}

TEST(EmbeddingCache, KeepsThemInItsFile) {
  const retinaface::testing::TemporaryFolder folder;
  {
    EmbeddingCache cache(folder / "cache", 1000);
    EXPECT_EQ(cache.find({1, 1}), std::nullopt);
    cache.add({1, 1}, {1, 2, 3});
    cache.add({1, 2}, {4, 5});
    EXPECT_EQ(cache.added(), 2U);
    cache.save();
  }
  EmbeddingCache cache(folder / "cache", 1000);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.added(), 0U);
  EXPECT_THAT(cache.find({1, 2}), Optional(ElementsAre(4, 5)));
  EXPECT_THAT(cache.find({1, 1}), Optional(ElementsAre(1, 2, 3)));
  EXPECT_EQ(cache.find({2, 1}), std::nullopt);
  EXPECT_EQ(cache.found(), 2U);
}

TEST(EmbeddingCache, DropsWhatWasUsedLongestAgo) {
  const retinaface::testing::TemporaryFolder folder;
  const std::size_t two = 2 * (20 + 8);
  EmbeddingCache cache(folder / "cache", two);
  cache.add({0, 1}, {1, 1});
  cache.add({0, 2}, {2, 2});
  EXPECT_TRUE(cache.find({0, 1}));
  cache.add({0, 3}, {3, 3});
  EXPECT_TRUE(cache.find({0, 1}));
  EXPECT_FALSE(cache.find({0, 2}));
  EXPECT_TRUE(cache.find({0, 3}));
  cache.save();
  EmbeddingCache smaller(folder / "cache", two / 2);
  EXPECT_FALSE(smaller.find({0, 1}));
  EXPECT_TRUE(smaller.find({0, 3}));
}

TEST(EmbeddingCacheThreads, CountsWhileOthersWork) {
  const retinaface::testing::TemporaryFolder folder;
  EmbeddingCache cache(folder / "cache", 100'000);
  constexpr std::uint64_t kEach = 200;
  std::size_t seen = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&cache, thread] {
        for (std::uint64_t i = 0; i < kEach; ++i) {
          cache.add({thread, i}, {1});
          cache.find({thread, i});
        }
      });
    }
    while (seen < 3 * kEach) {
      const std::size_t now = cache.added();
      EXPECT_GE(now, seen);
      const std::size_t found = cache.found();
      EXPECT_LE(found, cache.size());
      seen = now;
    }
  }
  EXPECT_EQ(cache.found(), 3 * kEach);
}

TEST(EmbeddingCache, RefusesOtherAndDamagedFiles) {
  const retinaface::testing::TemporaryFolder folder;
  write_file_atomically(folder / "text", std::string("something else"));
  EXPECT_THAT(error_of([&] { EmbeddingCache(folder / "text", 1000); }).what(),
              HasSubstr("found another file"));
  EmbeddingCache cache(folder / "cache", 1000);
  cache.add({1, 1}, {1, 2, 3});
  cache.save();
  const std::vector<std::byte> content = read_file(folder / "cache");
  for (std::size_t at = 8; at < content.size(); at += 5) {
    std::string changed(text_of(content));
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write_file_atomically(folder / "changed", changed);
    EXPECT_THAT(error_of([&] { EmbeddingCache(folder / "changed", 1000); }).what(),
                HasSubstr("found a damaged file"));
  }
}

}  // namespace
}  // namespace retinaface::evaluation
