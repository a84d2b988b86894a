#include "dataset/loader.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/testing.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr int kWidth = 40;
constexpr int kHeight = 30;
constexpr std::size_t kImageBytes = std::size_t{3} * kWidth * kHeight;

Image plain_image(int value) {
  Image image(kWidth, kHeight);
  std::fill_n(image.row(0), kImageBytes, static_cast<std::uint8_t>(value));
  return image;
}

int value_of(const Sample& sample) {
  return sample.image.row(0)[0];
}

/// Images of one value each, 0, 1, 2 ..., with a face.
class PlainSet {
 public:
  explicit PlainSet(int count) {
    for (int i = 0; i < count; ++i) {
      const auto x = static_cast<float>(i);
      set_.annotations.push_back(
          {std::to_string(i) + ".png", {{.box = {x, 5, x + 12, 20}}}, kWidth, kHeight});
    }
    set_.images = folder_.path();
    paint(0);
  }

  /// Writes the images, `offset` added to their values.
  void paint(int offset) const {
    for (int i = 0; i < static_cast<int>(set_.annotations.size()); ++i) {
      write_image(folder_ / set_.annotations[static_cast<std::size_t>(i)].path,
                  plain_image(i + offset));
    }
  }

  const TrainingSet& set() const { return set_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  TrainingSet set_;
};

/// Colors stay, so that a sample shows which image it was.
LoaderOptions options_of(int batch) {
  LoaderOptions options;
  options.augmentation.color = {.brightness = 0, .contrast = 0, .saturation = 0, .hue_degrees = 0};
  options.side_px = 16;
  options.batch = batch;
  return options;
}

using Batches = std::vector<std::vector<Sample>>;

Batches take(Loader& loader, int count) {
  Batches batches;
  for (int i = 0; i < count; ++i) batches.push_back(loader.next());
  return batches;
}

bool equal(const Sample& a, const Sample& b) {
  return same_pixels(a.image, b.image) && a.faces == b.faces;
}

bool equal(const Batches& a, const Batches& b) {
  return std::ranges::equal(a, b, [](const auto& first, const auto& second) {
    return std::ranges::equal(first, second,
                              [](const Sample& x, const Sample& y) { return equal(x, y); });
  });
}

std::vector<int> values_of(const Batches& batches) {
  std::vector<int> values;
  for (const auto& batch : batches) {
    for (const Sample& sample : batch) values.push_back(value_of(sample));
  }
  return values;
}

TEST(LoaderThreads, BatchesDoNotDependOnThreadsCacheOrBatchesAhead) {
  const PlainSet set(11);
  LoaderOptions options = options_of(3);
  options.augmentation.color = {};
  Loader reference({set.set()}, options);
  const Batches expected = take(reference, 10);  // more than three epochs
  for (const int threads : {2, 5}) {
    for (const std::size_t cache_bytes : {std::size_t{0}, 4 * kImageBytes, std::size_t{1} << 20}) {
      for (const int ahead : {1, 4}) {
        options.threads = threads;
        options.cache_bytes = cache_bytes;
        options.batches_ahead = ahead;
        Loader loader({set.set()}, options);
        EXPECT_TRUE(equal(take(loader, 10), expected)) << threads << " " << cache_bytes;
      }
    }
  }
  options.seed = 2;
  Loader other({set.set()}, options);
  EXPECT_FALSE(equal(take(other, 10), expected));
}

TEST(LoaderThreads, StartingLaterIsSkipping) {
  const PlainSet set(10);
  LoaderOptions options = options_of(3);
  options.threads = 2;
  Loader whole({set.set()}, options);
  const Batches expected = take(whole, 9);
  for (const int first : {1, 3, 5}) {
    Loader later({set.set()}, options, first);
    EXPECT_TRUE(equal(take(later, 9 - first), {expected.begin() + first, expected.end()})) << first;
  }
}

TEST(LoaderThreads, AnEpochIsEachImageOnce) {
  const PlainSet set(12);
  Loader loader({set.set()}, options_of(4));
  ASSERT_EQ(loader.batches_per_epoch(), 3);
  std::set<std::vector<int>> orders;
  for (int epoch = 0; epoch < 5; ++epoch) {
    std::vector<int> values = values_of(take(loader, 3));
    orders.insert(values);
    std::ranges::sort(values);
    EXPECT_THAT(values, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  }
  EXPECT_EQ(orders.size(), 5U) << "in another order each time";
}

TEST(LoaderThreads, AnImageIsCutAnewInEachEpoch) {
  const PlainSet set(1);
  Loader loader({set.set()}, options_of(1));
  std::vector<Box> boxes;
  for (int epoch = 0; epoch < 20; ++epoch) {
    const std::vector<Sample> batch = loader.next();
    for (const AnnotatedFace& face : batch.front().faces) boxes.push_back(face.box);
  }
  const auto different = std::ranges::count_if(
      boxes, [&](const Box& box) { return std::ranges::count(boxes, box) == 1; });
  EXPECT_GT(different, 10);
}

TEST(LoaderThreads, TheRestThatFillsNoBatchIsLeftOut) {
  const PlainSet set(11);
  Loader loader({set.set()}, options_of(4));
  EXPECT_EQ(loader.batches_per_epoch(), 2);
  std::set<int> seen;
  for (int epoch = 0; epoch < 20; ++epoch) {
    const std::vector<int> values = values_of(take(loader, 2));
    EXPECT_EQ(std::set<int>(values.begin(), values.end()).size(), 8U);
    seen.insert(values.begin(), values.end());
  }
  EXPECT_EQ(seen.size(), 11U) << "other ones in each epoch";
}

TEST(LoaderThreads, ProcessesShareABatch) {
  const PlainSet set(12);
  LoaderOptions options = options_of(4);
  Loader whole({set.set()}, options);
  options.processes = 2;
  Loader first({set.set()}, options);
  options.rank = 1;
  Loader second({set.set()}, options);
  for (int i = 0; i < 6; ++i) {
    const auto batch = whole.next();
    const auto evens = first.next();
    const auto odds = second.next();
    ASSERT_EQ(evens.size(), 2U);
    ASSERT_EQ(odds.size(), 2U);
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_TRUE(equal(batch[2 * k], evens[k]));
      EXPECT_TRUE(equal(batch[2 * k + 1], odds[k]));
    }
  }
}

TEST(LoaderThreads, TheCacheKeepsWhatFitsAndNoMore) {
  constexpr int kRepainted = 100;
  for (const int room : {0, 3, 12}) {
    const PlainSet set(12);
    LoaderOptions options = options_of(4);
    options.threads = 2;
    options.batches_ahead = 1;
    options.cache_bytes = static_cast<std::size_t>(room) * kImageBytes + kImageBytes / 2;
    Loader loader({set.set()}, options);
    take(loader, 3);
    set.paint(kRepainted);
    take(loader, 3);  // some of this epoch may have been read before
    const std::vector<int> values = values_of(take(loader, 3));
    const auto old = std::ranges::count_if(values, [](int value) { return value < kRepainted; });
    EXPECT_EQ(old, room) << "images that were not read again";
  }
}

TEST(LoaderThreads, AMissingImageIsNamedOnceAndAnotherTakesItsPlace) {
  const PlainSet set(6);
  std::filesystem::remove(set.folder() / "4.png");
  std::vector<std::vector<int>> taken;
  for (const int threads : {1, 3}) {
    std::vector<std::string> problems;
    LoaderOptions options = options_of(3);
    options.threads = threads;
    options.report = [&](const std::string& problem) { problems.push_back(problem); };
    Loader loader({set.set()}, options);
    taken.push_back(values_of(take(loader, 6)));  // three epochs
    EXPECT_THAT(problems, ::testing::ElementsAre(HasSubstr((set.folder() / "4.png").string())));
  }
  EXPECT_EQ(taken[0].size(), 18U);
  EXPECT_EQ(taken[0], taken[1]) << "whichever thread met it";
  EXPECT_THAT(taken[0], ::testing::Not(::testing::Contains(4)));
  EXPECT_EQ(std::set<int>(taken[0].begin(), taken[0].begin() + 6).size(), 5U);
}

TEST(LoaderThreads, CountsFacesOutsideTheirImagesOnce) {
  const PlainSet plain(4);
  TrainingSet set = plain.set();
  set.annotations[2].faces = {{.box = {kWidth, 5, kWidth + 12, 20}},
                              {.box = {0, -9, 12, 0}},
                              {.box = {0, -9, 12, 1}},
                              {.box = {0, -9, 12, 0}, .ignored = true}};
  Loader loader({set}, options_of(2));
  EXPECT_EQ(Loader({plain.set()}, options_of(2)).faces_outside().faces, 0U);
  for (int i = 0; i < 6; ++i) loader.next();  // three epochs
  EXPECT_EQ(loader.faces_outside().faces, 2U);
  EXPECT_EQ(loader.faces_outside().example, "2.png");
}

TEST(LoaderThreads, SaysThatNoImageCanBeRead) {
  const PlainSet set(3);
  for (const char* name : {"0.png", "1.png", "2.png"}) std::filesystem::remove(set.folder() / name);
  Loader loader({set.set()}, options_of(2));
  const Error error = error_of([&] { loader.next(); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), HasSubstr("expected images that can be read, found none of 3 images"));
  EXPECT_EQ(error_of([&] { loader.next(); }).code(), ErrorCode::kBadData) << "and again";
}

TEST(LoaderThreads, NeedsABatchOfImages) {
  const PlainSet set(3);
  const Error error = error_of([&] { const Loader loader({set.set()}, options_of(4)); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), HasSubstr("3 images, fewer than one batch of 4"));
  Loader both({set.set(), set.set()}, options_of(4));
  EXPECT_EQ(both.next().size(), 4U) << "sets count together";
}

TEST(LoaderThreads, CanBeLeftInTheMiddle) {
  const PlainSet set(12);
  LoaderOptions options = options_of(4);
  options.threads = 4;
  options.batches_ahead = 8;
  for (int i = 0; i < 20; ++i) {
    Loader loader({set.set()}, options);
    if (i % 2 == 1) loader.next();
  }
}

}  // namespace
}  // namespace retinaface::dataset
