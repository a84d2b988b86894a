#include "evaluation/embedding_cache.h"

#include <cstring>
#include <ranges>
#include <string_view>

#include "retinaface/version.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/text.h"

namespace retinaface::evaluation {
namespace {

constexpr std::string_view kMagic = "RFEMBED1";
constexpr std::size_t kHeadBytes = 2 * sizeof(std::uint64_t) + sizeof(std::uint32_t);

std::size_t bytes_of(const std::vector<float>& values) {
  return kHeadBytes + sizeof(float) * values.size();
}

template <typename T>
void append(std::string& text, const T& number) {
  text.append(reinterpret_cast<const char*>(&number), sizeof number);
}

template <typename T>
T take(std::string_view& text) {
  T number;
  std::memcpy(&number, text.data(), sizeof number);
  text.remove_prefix(sizeof number);
  return number;
}

}  // namespace

ContentHash embedding_key(const ContentHash& recognizer, std::span<const std::byte> image,
                          const Landmarks& points) {
  ContentHasher hasher;
  hasher.add_counted(std::as_bytes(std::span(std::string_view(version()))));
  hasher.add(std::as_bytes(std::span(&recognizer, 1)));
  hasher.add(std::as_bytes(std::span(points)));
  hasher.add_counted(image);
  return hasher.hash();
}

EmbeddingCache::EmbeddingCache(std::filesystem::path file, std::size_t max_bytes)
    : file_(std::move(file)), max_bytes_(max_bytes) {
  if (!path_exists(file_)) return;
  // Kept by a run that was allowed more, it is read all the same; what is too much is dropped.
  constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 40;
  const std::vector<std::byte> content = read_file(file_, kMaxFileBytes);
  std::string_view text = text_of(content);
  const auto refuse = [&](const char* found) {
    fail(ErrorCode::kBadData,
         "{}: expected embeddings that an evaluation has kept, found {}; remove the file or name "
         "another",
         printable(file_), found);
  };
  if (!text.starts_with(kMagic)) refuse("another file");
  std::uint32_t sum = 0;
  if (text.size() < kMagic.size() + sizeof sum) refuse("a damaged file");
  std::memcpy(&sum, text.data() + text.size() - sizeof sum, sizeof sum);
  text.remove_suffix(sizeof sum);
  if (sum != crc32c(text)) refuse("a damaged file");
  text.remove_prefix(kMagic.size());
  std::vector<std::pair<ContentHash, std::vector<float>>> read;
  while (!text.empty()) {
    if (text.size() < kHeadBytes) refuse("a damaged file");
    ContentHash key;
    key.high = take<std::uint64_t>(text);
    key.low = take<std::uint64_t>(text);
    const std::size_t count = take<std::uint32_t>(text);
    if (count == 0 || count > text.size() / sizeof(float)) refuse("a damaged file");
    std::vector<float> values(count);
    std::memcpy(values.data(), text.data(), count * sizeof(float));
    text.remove_prefix(count * sizeof(float));
    read.emplace_back(key, std::move(values));
  }
  for (auto& [key, values] : std::views::reverse(read)) add(key, std::move(values));
  added_ = 0;
}

std::optional<std::vector<float>> EmbeddingCache::find(const ContentHash& key) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return std::nullopt;
  ++found_;
  by_use_.erase(entry->second.last_use);
  entry->second.last_use = ++uses_;
  by_use_.emplace(uses_, key);
  return entry->second.values;
}

void EmbeddingCache::add(const ContentHash& key, std::vector<float> embedding) {
  const std::lock_guard lock(mutex_);
  if (entries_.contains(key)) return;  // another thread was faster
  ++added_;
  bytes_ += bytes_of(embedding);
  by_use_.emplace(++uses_, key);
  entries_.emplace(key, Entry{std::move(embedding), uses_});
  make_room();
}

std::size_t EmbeddingCache::found() const {
  const std::lock_guard lock(mutex_);
  return found_;
}

std::size_t EmbeddingCache::added() const {
  const std::lock_guard lock(mutex_);
  return added_;
}

std::size_t EmbeddingCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void EmbeddingCache::make_room() {
  while (bytes_ > max_bytes_) {
    const auto oldest = by_use_.begin();
    const auto entry = entries_.find(oldest->second);
    bytes_ -= bytes_of(entry->second.values);
    entries_.erase(entry);
    by_use_.erase(oldest);
  }
}

void EmbeddingCache::save() const {
  const std::lock_guard lock(mutex_);
  std::string text(kMagic);
  for (const auto& [use, key] : std::views::reverse(by_use_)) {
    const std::vector<float>& values = entries_.at(key).values;
    append(text, key.high);
    append(text, key.low);
    append(text, static_cast<std::uint32_t>(values.size()));
    text.append(reinterpret_cast<const char*>(values.data()), sizeof(float) * values.size());
  }
  append(text, crc32c(text));
  write_file_atomically(file_, text);
}

}  // namespace retinaface::evaluation
