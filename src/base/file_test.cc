#include "base/file.h"

#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/asked_to_end.h"
#include "base/plain_file.h"
#include "base/text.h"
#include "base/wanted_file.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

TEST(File, IsReadAsWritten) {
  const TemporaryFolder folder;
  for (const std::string& content : {std::string(), std::string("a"), std::string(100'000, 'x')}) {
    write_file_atomically(folder / "file", content);
    EXPECT_EQ(text_of(read_file(folder / "file")), content);
  }
}

TEST(File, IsNotReadOnWhereItIsNotWanted) {
  const TemporaryFolder folder;
  const auto begins_with_a = [](std::span<const std::byte> beginning) {
    return !beginning.empty() && beginning[0] == std::byte{'a'};
  };
  const std::string rest(20'000, 'x');
  std::ofstream(folder / "a") << 'a' << rest;
  std::ofstream(folder / "b") << 'b' << rest;
  std::ofstream(folder / "short") << "b";
  std::filesystem::resize_file(folder / "b", std::uintmax_t{3} << 30);  // of nothing
  const std::uint64_t most = std::uint64_t{4} << 30;
  EXPECT_EQ(read_wanted_file(folder / "a", most, begins_with_a), read_file(folder / "a"));
  EXPECT_EQ(read_wanted_file(folder / "b", most, begins_with_a).size(), kBeginningBytes);
  EXPECT_EQ(read_wanted_file(folder / "short", most, begins_with_a).size(), 1U);
}

TEST(File, ReplacedAsAWholeLeavesNothingBeside) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string("old"));
  write_file_atomically(folder / "file", std::string("new"));
  EXPECT_EQ(text_of(read_file(folder / "file")), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(FileThreads, WriteTheSamePathAndOneOfThemWins) {
  const TemporaryFolder folder;
  const auto write = [&](char letter) {
    for (int i = 0; i < 200; ++i) {
      write_file_atomically(folder / "file", std::string(10'000, letter));
    }
  };
  {
    const std::jthread other(write, 'a');
    write('b');
  }
  const std::string content(text_of(read_file(folder / "file")));
  EXPECT_TRUE(content == std::string(10'000, 'a') || content == std::string(10'000, 'b'));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(File, SaysWhatAPathLeadsToWhateverItIs) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string("x"));
  EXPECT_TRUE(path_exists(folder / "file") && file_exists(folder / "file") &&
              !folder_exists(folder / "file"));
  EXPECT_TRUE(path_exists(folder.path()) && !file_exists(folder.path()) &&
              folder_exists(folder.path()));
  const std::string endless(5000, 'n');  // no name can be as long
  EXPECT_FALSE(path_exists(endless) || file_exists(endless) || folder_exists(endless));
}

TEST(File, WritesThroughLinks) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string("old"));
  std::filesystem::create_symlink("file", folder / "link");
  write_file_atomically(folder / "link", std::string("new"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(text_of(read_file(folder / "file")), "new");
}

TEST(File, WritesToADeviceWithoutReplacingIt) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/null", folder / "null");
  write_file_atomically(folder / "null", std::string("gone"));
  EXPECT_TRUE(std::filesystem::is_character_file(folder / "null"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(File, SaysWhatIsWrongWithAPath) {
  const TemporaryFolder folder;
  const Error missing = error_of([&] { read_file(folder / "none"); });
  EXPECT_EQ(missing.code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.what(), ::testing::HasSubstr("none"));
  EXPECT_EQ(error_of([&] { read_file(folder.path()); }).code(), ErrorCode::kUnreadable);

  write_file_atomically(folder / "five", std::string("12345"));
  EXPECT_EQ(read_file(folder / "five", 5).size(), 5U);
  EXPECT_EQ(error_of([&] { read_file(folder / "five", 4); }).code(), ErrorCode::kTooLarge);
  EXPECT_EQ(error_of([&] { write_file_atomically(folder / "no/file", std::string("x")); }).code(),
            ErrorCode::kUnwritable);
}

TEST(Printable, KeepsTextAndEscapesTheRest) {
  EXPECT_EQ(printable("a b/ü漢.jpg"), "a b/ü漢.jpg");
  EXPECT_EQ(printable("line\nbreak\x7f\xff"), "line\\x0abreak\\x7f\\xff");
  EXPECT_EQ(printable("cut\xc3"), "cut\\xc3");
  EXPECT_EQ(printable("surrogate\xed\xa0\x80"), "surrogate\\xed\\xa0\\x80");
  EXPECT_EQ(printable("overlong\xe0\x80\x80"), "overlong\\xe0\\x80\\x80");
  EXPECT_EQ(printable("beyond\xf4\x90\x80\x80"), "beyond\\xf4\\x90\\x80\\x80");
}

TEST(Excerpt, IsShortAndOneLine) {
  EXPECT_EQ(excerpt("body.weight\n"), "body.weight\\x0a");
  EXPECT_EQ(excerpt(std::string(100, 'x')), std::string(100, 'x'));
  EXPECT_EQ(excerpt(std::string(101, 'x')), fmt::format("{:x>100}...", ""));
  EXPECT_EQ(excerpt(fmt::format("{:x>99}üü", "")), fmt::format("{:x>99}...", ""));
  EXPECT_EQ(excerpt(std::string(200, '\xBF')).substr(0, 8), "\\xbf\\xbf");
}

TEST(MakeFolders, MakesThoseAboveAndNamesWhatIsInTheWay) {
  const TemporaryFolder folder;
  make_folders(folder / "a/b/c");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b/c"));
  make_folders(folder / "a/b/c");  // there already
  write_file_atomically(folder / "file", std::string("x"));
  const Error error = error_of([&] { make_folders(folder / "file/below"); });
  EXPECT_EQ(error.code(), ErrorCode::kUnwritable);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("file/below: cannot be made a folder"));
}

TEST(File, KeepsItsPermissionsWhenItIsReplaced) {
  const TemporaryFolder folder;
  namespace fs = std::filesystem;
  for (const fs::perms mode : {fs::perms(0600), fs::perms(0664)}) {
    write_file_atomically(folder / "file", std::string("old"));
    fs::permissions(folder / "file", mode);
    write_file_atomically(folder / "file", std::string("new"));
    EXPECT_EQ(fs::status(folder / "file").permissions(), mode);
  }
}

TEST(File, IsNoDeviceThatMayBeEndless) {
  EXPECT_THAT(error_of([] { read_named_file("/dev/zero"); }).what(),
              ::testing::StrEq("/dev/zero: expected a file, found a device"));
  EXPECT_TRUE(read_named_file("/dev/null").empty());
}

TEST(File, IsAPipeWhereItIsNamed) {
  const TemporaryFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto written = [&](std::size_t bytes) {
    return std::jthread([&, bytes] { std::ofstream(pipe) << std::string(bytes, 'x'); });
  };
  {
    const std::jthread writer = written(200'000);
    EXPECT_EQ(text_of(read_named_file(pipe)), std::string(200'000, 'x'));
  }
  {
    const std::jthread writer = written(6);
    EXPECT_EQ(error_of([&] { read_named_file(pipe, 5); }).code(), ErrorCode::kTooLarge);
  }
  // Nobody writes any more.
  asked_to_end() = true;
  EXPECT_THAT(error_of([&] { read_named_file(pipe); }).what(),
              ::testing::HasSubstr("pipe: interrupted"));
  asked_to_end() = false;
}

TEST(File, IsNeitherPipeNorDeviceWhereNobodyHasNamedIt) {
  EXPECT_THAT(error_of([] { expect_plain_file("/dev/zero"); }).what(),
              ::testing::StrEq("/dev/zero: expected a file, found a pipe or a device"));
  const TemporaryFolder folder;
  expect_plain_file(folder / "none");
  expect_plain_file(folder.path());
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of([&] { read_file(folder / "pipe"); }).what(),
              ::testing::HasSubstr("pipe: expected a file, found a pipe or a device"));
}

}  // namespace
}  // namespace retinaface
