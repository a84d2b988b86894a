// Every format against an independent decoder: tests/data/images, which
// tests/make_image_fixtures.py makes.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "image/codecs/decoded_image.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using namespace std::string_literals;
using testing::error_of;
using Content = std::vector<std::byte>;

/// Limits what damaged headers can ask for, so that the tests are quick.
const ReadOptions kSmall = {.max_pixels = 1'000'000, .strict = true};

struct Fixture {
  std::string name;
  Content content;
  Content expected;  ///< a raw PPM
};

const std::vector<Fixture>& fixtures() {
  static const std::vector<Fixture> all = [] {
    std::vector<Fixture> found;
    for (const auto& entry :
         std::filesystem::directory_iterator(testing::fixture_folder() / "images")) {
      std::filesystem::path expected = entry.path();
      expected += ".ppm";
      if (!std::filesystem::exists(expected)) continue;
      found.push_back({entry.path().filename(), read_file(entry.path()), read_file(expected)});
    }
    std::sort(found.begin(), found.end(),
              [](const Fixture& a, const Fixture& b) { return a.name < b.name; });
    return found;
  }();
  return all;
}

/// The expected image, read without the project's own decoder.
struct Expected {
  int width = 0;
  int height = 0;
  const std::byte* rgb = nullptr;

  explicit Expected(const Fixture& fixture) {
    const auto* text = reinterpret_cast<const char*>(fixture.expected.data());
    int used = 0;
    EXPECT_EQ(std::sscanf(text, "P6 %d %d 255%n", &width, &height, &used), 2);
    rgb = fixture.expected.data() + used + 1;
    EXPECT_EQ(fixture.expected.size(),
              static_cast<std::size_t>(used) + 1 + 3 * static_cast<std::size_t>(width * height));
  }
};

/// Lossy formats and CMYK leave room for another rounding; of HEIC and AVIF the expected image is
/// that before encoding.
int tolerance(const std::string& name) {
  // Dark values of wide color are stretched; other programs' tables round elsewhere.
  constexpr std::string_view kConverted[] = {"linear.png", "adobe_rgb_by_exif.jpg",
                                             "cmyk_profile.jpg"};
  if (std::ranges::find(kConverted, name) != std::end(kConverted)) return 4;
  if (name == "pq.png") return 1;
  if (name == "pq.avif") return 30;  // of 8 bits, whose steps grow on the way
  if (name.ends_with(".heic") || name.ends_with(".avif")) return 12;
  const bool lossy = name.ends_with(".jpg") || name == "lossy.webp" || name == "jpeg.tif";
  return lossy ? 2 : name == "cmyk.tif" ? 1 : 0;
}

TEST(Decoders, AgreeWithAnIndependentDecoder) {
  ASSERT_GT(fixtures().size(), 60U);
  for (const Fixture& fixture : fixtures()) {
    SCOPED_TRACE(fixture.name);
    const Image image = decode_image(fixture.content, {}, fixture.name);
    const Expected expected(fixture);
    ASSERT_EQ(image.width(), expected.width);
    ASSERT_EQ(image.height(), expected.height);
    int largest = 0;
    for (int i = 0; i < 3 * image.width() * image.height(); ++i) {
      largest =
          std::max(largest, std::abs(image.row(0)[i] - std::to_integer<int>(expected.rgb[i])));
    }
    EXPECT_LE(largest, tolerance(fixture.name));
  }
}

TEST(Decoders, GiveTheStoredPixelsWhenAsked) {
  for (const Fixture& fixture : fixtures()) {
    if (!fixture.name.starts_with("orientation_")) continue;
    SCOPED_TRACE(fixture.name);
    const Image image = decode_image(fixture.content, {.apply_orientation = false}, fixture.name);
    ASSERT_EQ(image.width(), 21);
    ASSERT_EQ(image.height(), 14);
    EXPECT_NEAR(image.row(2)[3 * 2], 230, 6);  // the mark in the first corner
    EXPECT_NEAR(image.row(2)[3 * 2 + 1], 40, 6);
    EXPECT_NEAR(image.row(2)[3 * 2 + 2], 50, 6);
  }
}

/// How far pixels of a reduced image are from the mean of those of the whole one that lie below
/// them, where its corner were at (left, top) of that one; over all that lie in it.
double distance_from_means(const Image& whole, const DecodedImage& reduced, int left, int top) {
  const int side = reduced.reduction;
  double sum = 0;
  int count = 0;
  for (int y = 0; y < reduced.image.height(); ++y) {
    for (int x = 0; x < reduced.image.width(); ++x) {
      const int x0 = left + side * x;
      const int y0 = top + side * y;
      if (x0 < 0 || y0 < 0 || x0 + side > whole.width() || y0 + side > whole.height()) continue;
      for (int channel = 0; channel < 3; ++channel) {
        int below = 0;
        for (int i = 0; i < side * side; ++i) {
          below += whole.row(y0 + i / side)[3 * (x0 + i % side) + channel];
        }
        const double mean = static_cast<double>(below) / (side * side);
        sum += std::abs(mean - reduced.image.row(y)[3 * x + channel]);
        ++count;
      }
    }
  }
  return sum / count;
}

TEST(Decoders, ReduceJpegsOfAllOrientations) {
  for (const Fixture& fixture : fixtures()) {
    if (!fixture.name.starts_with("orientation_")) continue;
    SCOPED_TRACE(fixture.name);
    const Image whole = decode_image(fixture.content);
    for (const int reduction : {2, 4}) {
      const DecodedImage reduced = decode_image(fixture.content, {}, fixture.name, reduction);
      EXPECT_EQ(reduced.width, whole.width());
      EXPECT_EQ(reduced.height, whole.height());
      if (!fixture.name.ends_with(".jpg")) {
        EXPECT_EQ(reduced.reduction, 1);
        EXPECT_EQ(reduced.image.width(), whole.width());
        continue;
      }
      EXPECT_EQ(reduced.reduction, reduction);
      EXPECT_EQ(reduced.image.width(), (whole.width() + reduction - 1) / reduction);
      EXPECT_EQ(reduced.image.height(), (whole.height() + reduction - 1) / reduction);
      const double here = distance_from_means(whole, reduced, reduced.left, reduced.top);
      EXPECT_LT(here, 6);
      for (const int shift : {-1, 1}) {
        EXPECT_GT(distance_from_means(whole, reduced, reduced.left + shift, reduced.top), here);
        EXPECT_GT(distance_from_means(whole, reduced, reduced.left, reduced.top + shift), here);
      }
    }
    const ReadOptions few = {.max_pixels = 293};  // counts the whole image's
    EXPECT_THROW(decode_image(fixture.content, few, fixture.name, 8), Error);
  }
}

TEST(Decoders, RefuseTooManyPixelsInEveryFormat) {
  for (const Fixture& fixture : fixtures()) {
    const Error error =
        error_of([&] { decode_image(fixture.content, {.max_pixels = 293}, fixture.name); });
    EXPECT_EQ(error.code(), ErrorCode::kTooLarge) << fixture.name;
    EXPECT_THAT(error.what(),
                ::testing::HasSubstr(" pixels, more than the 293 that are decoded at most"));
    EXPECT_THAT(error.what(), ::testing::StartsWith(fixture.name + ": ")) << fixture.name;
    const Image image = decode_image(fixture.content, {}, fixture.name);
    const std::int64_t pixels = std::int64_t{image.width()} * image.height();
    EXPECT_FALSE(decode_image(fixture.content, {.max_pixels = pixels}, fixture.name).empty());
  }
}

/// What became of a damaged image; anything but an image or an Error ends the test program.
bool is_accepted(const Content& content, const std::string& name) {
  try {
    const Image image = decode_image(content, kSmall, name);
    EXPECT_FALSE(image.empty()) << name;
    return true;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith(name + ": "));
    EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("\n")));
    return false;
  }
}

TEST(Decoders, NoticeThatAFileIsCut) {
  for (const Fixture& fixture : fixtures()) {
    std::size_t first_accepted = fixture.content.size();
    for (std::size_t size = fixture.content.size(); size-- > 0;) {
      const Content cut(fixture.content.begin(),
                        fixture.content.begin() + static_cast<std::ptrdiff_t>(size));
      if (is_accepted(cut, fixture.name)) first_accepted = size;
    }
    // What follows the pixels may be missing (padding, later frames and pages, metadata); of the
    // rest nothing.
    const bool has_tail = fixture.name.starts_with("animated") || fixture.name == "two_pages.tif";
    if (!has_tail) {
      EXPECT_GE(first_accepted + 8, fixture.content.size()) << fixture.name;
    }
  }
}

TEST(Decoders, RefuseFlippedBitsAndSplicedHeadersOrReadAround) {
  constexpr int kTrials = 60;
  std::minstd_rand random(20);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  int accepted = 0;
  for (const Fixture& fixture : fixtures()) {
    for (int trial = 0; trial < kTrials; ++trial) {
      Content damaged = fixture.content;
      for (std::size_t flips = 1 + below(6); flips > 0; --flips) {
        damaged[below(damaged.size())] ^= std::byte{1} << static_cast<int>(below(8));
      }
      if (is_accepted(damaged, fixture.name)) ++accepted;
    }
    const Fixture& other = fixtures()[below(fixtures().size())];
    Content spliced = fixture.content;
    const std::size_t header = below(std::min(spliced.size(), other.content.size()));
    std::copy_n(other.content.begin(), header, spliced.begin());
    is_accepted(spliced, fixture.name);
  }
  // Some formats have checksums, others take any pixel.
  const int trials = kTrials * static_cast<int>(fixtures().size());
  EXPECT_GT(accepted, trials / 20);
  EXPECT_LT(accepted, trials * 19 / 20);
}

TEST(DecodersThreads, ShareNothing) {
  std::vector<std::thread> threads;
  std::atomic<int> different = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&different] {
      for (const Fixture& fixture : fixtures()) {
        const Image image = decode_image(fixture.content, {}, fixture.name);
        const Expected expected(fixture);
        if (image.width() != expected.width || image.height() != expected.height) ++different;
        is_accepted({fixture.content.begin(), fixture.content.begin() + 20}, fixture.name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, 0);
}

Content bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Content content_of(const std::string& name) {
  return read_file(testing::fixture_folder() / "images" / name);
}

/// The front part of a file.
Content without_end(Content content, std::size_t bytes) {
  content.resize(content.size() - bytes);
  return content;
}

TEST(Decoders, ReadJpegsThatLackOnlyTheirEnd) {
  const auto expect_warning = [](const Content& whole, std::size_t bytes) {
    const Content cut = without_end(whole, bytes);
    std::vector<std::string> warnings;
    const auto warn = [&](const std::string& line) { warnings.push_back(line); };
    Image image = decode_image(cut, {.warn = warn}, "a.jpg");
    EXPECT_THAT(warnings, ::testing::ElementsAre(
                              "a.jpg: truncated JPEG: it ends early, the rest of it is gray"));
    const Error error = error_of([&] { decode_image(cut, {.strict = true}, "a.jpg"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    EXPECT_THAT(error.what(), ::testing::StartsWith("a.jpg: truncated or corrupt JPEG: "));
    warnings.clear();
    EXPECT_EQ(decode_image(whole, {.strict = true, .warn = warn}, "a.jpg").height(),
              image.height());
    EXPECT_THAT(warnings, ::testing::IsEmpty());
    return image;
  };
  for (const char* name : {"subsampled.jpg", "progressive.jpg", "gray.jpg", "cmyk.jpg"}) {
    SCOPED_TRACE(name);
    expect_warning(content_of(name), 10);
    expect_warning(content_of(name), 1);
  }
  const Content portrait = read_file(testing::sample_folder() / "portrait.jpg");
  const Image cut = expect_warning(portrait, portrait.size() / 3);
  const Image whole = decode_image(portrait);
  const auto bytes = static_cast<std::size_t>(whole.stride());
  for (int y = 0; y < whole.height() / 2; ++y) {
    ASSERT_TRUE(std::equal(whole.row(y), whole.row(y) + bytes, cut.row(y))) << y;
  }
}

TEST(Decoders, RefuseJpegsWithoutPixels) {
  const Content whole = content_of("subsampled.jpg");
  const auto scan = std::ranges::search(whole, bytes_of("\xFF\xDA"));
  const Content cut(whole.begin(), scan.begin() + 14);  // the whole header of the scan
  EXPECT_EQ(error_of([&] { decode_image(cut); }).code(), ErrorCode::kBadData);
}

TEST(Decoders, LayTransparentImagesOnTheBackgroundAskedFor) {
  const Image image = decode_image(content_of("alpha.png"), {.background = {0, 10, 200}});
  // Its first pixel is transparent altogether.
  EXPECT_THAT((std::vector<int>{image.row(0), image.row(0) + 3}),
              ::testing::ElementsAre(0, 10, 200));
}

/// A TIFF with one strip, of 1x1 pixels, and these entries besides: tag, type SHORT, value.
Content tiff_with(const std::vector<std::pair<int, int>>& entries) {
  std::map<int, std::pair<int, int>> all = {{256, {4, 1}}, {257, {4, 1}}, {258, {3, 8}},
                                            {259, {3, 1}}, {262, {3, 1}}, {273, {4, 8}},
                                            {277, {3, 1}}, {278, {4, 1}}, {279, {4, 16}}};
  for (const auto& [tag, value] : entries) all[tag] = {3, value};
  std::string text("II*\0\x18\0\0\0", 8);
  text.append(16, '\x40');  // the strip
  const auto put = [&](int value, int bytes) {
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
  };
  put(static_cast<int>(all.size()), 2);
  for (const auto& [tag, entry] : all) {
    put(tag, 2);
    put(entry.first, 2);
    put(1, 4);
    put(entry.second, 4);
  }
  put(0, 4);
  return bytes_of(text);
}

TEST(Decoders, CallHealthyFilesThatTheyCannotReadUnsupported) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(decode_image(tiff_with({})).empty());
  const auto bmp = [](std::string_view header_size, std::string_view compression) {
    std::string text = "BM\0\0\0\0\0\0\0\0\x76\0\0\0"s;
    text += header_size;
    text += "\x01\0\0\0\x01\0\0\0\1\0\x18\0"sv;
    text += compression;
    text.resize(200);
    return bytes_of(text);
  };
  const std::map<std::string, Content> files = {
      {"TIFF, float", tiff_with({{258, 32}, {339, 3}})},
      {"TIFF, float of 16 bits", tiff_with({{258, 16}, {339, 3}})},
      {"TIFF, JPEG 2000 inside", tiff_with({{259, 34712}})},
      {"TIFF, with a sign", tiff_with({{258, 16}, {339, 2}})},
      {"TIFF, complex", tiff_with({{258, 16}, {339, 5}})},
      {"TIFF, 24 bits", tiff_with({{258, 24}})},
      {"BMP of OS/2 2.0", bmp("\x40\0\0\0"sv, "\0\0\0\0"sv)},
      {"BMP, PNG inside", bmp("\x28\0\0\0"sv, "\5\0\0\0"sv)},
      {"JPEG, lossless", bytes_of("\xFF\xD8\xFF\xC3\0\x0B\x08\0\1\0\1\1\1\x11\0\xFF\xDA\0\x08\1\1\0"
                                  "\1\0\0\0\xFF\xD9"sv)},
  };
  for (const auto& [name, content] : files) {
    const Error error = error_of([&] { decode_image(content, {}, name); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << error.what();
  }
}

TEST(Decoders, RefuseBmpsWhosePixelsBeginInTheirHeader) {
  const Content whole = content_of("rle8.bmp");
  for (const int place : {0, 10, 33}) {
    Content damaged = whole;
    damaged.at(10) = static_cast<std::byte>(place);
    for (std::size_t i = 11; i < 14; ++i) damaged.at(i) = std::byte{0};
    const Error error = error_of([&] { decode_image(damaged, {}, "a.bmp"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("its pixels begin inside its header"));
  }
}

TEST(Decoders, LeaveColorsWhereAProfileCannotBeUsed) {
  const Content with_profile = content_of("adobe_rgb.jpg");
  std::vector<std::string> warnings;
  const ReadOptions options = {.warn = [&](const std::string& line) { warnings.push_back(line); }};
  const Image plain = decode_image(content_of("orientation_1.jpg"));
  const auto expect_stored_colors = [&](const std::string& mark, const std::string& replacement,
                                        const std::string& warning) {
    Content damaged = with_profile;
    const auto at = std::ranges::search(damaged, bytes_of(mark));
    ASSERT_FALSE(at.empty());
    std::ranges::copy(bytes_of(replacement), at.begin());
    warnings.clear();
    const Image image = decode_image(damaged, options, "a.jpg");
    EXPECT_THAT(warnings, ::testing::ElementsAre("a.jpg: its color profile " + warning +
                                                 "; colors are left as they are stored"));
    for (int i = 0; i < plain.stride() * plain.height(); ++i) {
      ASSERT_EQ(image.row(0)[i], plain.row(0)[i]) << i;
    }
  };
  expect_stored_colors("acsp", "xxxx", "is damaged");
  expect_stored_colors("mntrRGB ", "mntrCMYK", "is damaged");
  expect_stored_colors("mntrRGB ", "mntr\xFF\xFF\xFF\xFF", "is for other pixels, found RGB");
}

TEST(Decoders, LeaveColorsWhereAProfileIsForGray) {
  const Content gray = content_of("gray_profile.png");
  const Content plain = content_of("orientation_1.png");
  const auto mark = std::ranges::search(gray, bytes_of("iCCP"));
  ASSERT_FALSE(mark.empty());
  const auto chunk = mark.begin() - 4;  // after the length of its data come name, data, checksum
  std::size_t size = 12;
  for (int i = 0; i < 4; ++i) size += std::to_integer<std::size_t>(chunk[i]) << (8 * (3 - i));
  Content mixed = plain;
  constexpr std::ptrdiff_t kAfterHeader = 8 + 25;
  mixed.insert(mixed.begin() + kAfterHeader, chunk, chunk + static_cast<std::ptrdiff_t>(size));
  std::vector<std::string> warnings;
  const ReadOptions options = {.warn = [&](const std::string& line) { warnings.push_back(line); }};
  const Image image = decode_image(mixed, options, "a.png");
  EXPECT_THAT(warnings, ::testing::ElementsAre("a.png: its color profile is for gray pixels, found "
                                               "RGB; colors are left as they are stored"));
  const Image expected = decode_image(plain);
  ASSERT_EQ(image.width(), expected.width());
  EXPECT_TRUE(
      std::equal(image.row(0), image.row(0) + image.stride() * image.height(), expected.row(0)));
}

/// A file that is well-formed as far as its header, which claims 60000x60000 pixels.
std::map<std::string, Content> bombs() {
  using namespace std::string_view_literals;
  std::map<std::string, Content> bombs = {
      {"pnm", bytes_of("P6 60000 60000 255\n")},
      {"plain pnm", bytes_of("P3 60000 60000 255\n1 2 3")},
      {"gif", bytes_of("GIF89a\x60\xEA\x60\xEA\0\0\0,\0\0\0\0\x60\xEA\x60\xEA\0\2\0;"sv)},
      {"png", bytes_of("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\xEA\x60\0\0\xEA\x60\x08\2\0\0\0"
                       "\x95\x1C\x32\x49"sv)},
      {"jpeg", bytes_of("\xFF\xD8\xFF\xC0\0\x0B\x08\xEA\x60\xEA\x60\1\1\x11\0\xFF\xDA\0\x08\1\1\0"
                        "\0\x3F\0"sv)},
      {"bmp", bytes_of("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x60\xEA\0\0\x60\xEA\0\0\1\0\x18\0"
                       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv)},
      {"tiff", bytes_of("II*\0\x08\0\0\0\4\0"
                        "\0\1\4\0\1\0\0\0\x60\xEA\0\0"
                        "\1\1\4\0\1\0\0\0\x60\xEA\0\0"
                        "\6\1\3\0\1\0\0\0\1\0\0\0"
                        "\x11\1\4\0\1\0\0\0\x08\0\0\0"
                        "\0\0\0\0"sv)},
  };
  return bombs;
}

/// The most memory that this process has had so far.
std::int64_t peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(Decoders, RefuseBombsByTheirHeaders) {
  const std::int64_t before = peak_kib();
  for (const auto& [name, content] : bombs()) {
    EXPECT_EQ(error_of([&] { decode_image(content, {}, name); }).code(), ErrorCode::kTooLarge)
        << name << ": " << error_of([&] { decode_image(content, {}, name); }).what();
  }
  // Decoded, each would take 3.6 GB at least.
  EXPECT_LT(peak_kib() - before, 64 * 1024);
}

}  // namespace
}  // namespace retinaface
