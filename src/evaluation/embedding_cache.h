#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "retinaface/geometry.h"

#include "base/content_hash.h"

namespace retinaface::evaluation {

/// What an embedding depends on: the recogniser's tensors and description, the bytes of the image's
/// file, the five points and this program's version. Whatever of it changes, the key does.
ContentHash embedding_key(const ContentHash& recognizer, std::span<const std::byte> image,
                          const Landmarks& points);

/// Embeddings by key, kept in a file from one evaluation to the next. Safe for several threads.
///
/// The file: "RFEMBED1"; for each embedding the key (two 64-bit numbers), the number of values (32
/// bits) and the values (float32), all little-endian, the ones used last first; then the CRC-32C of
/// all that.
class EmbeddingCache {
 public:
  /// Reads the file, if it is there. Never holds more than `max_bytes` of embeddings: what was used
  /// longest ago is dropped first. Throws Error: kBadData for a file that is no cache or damaged.
  EmbeddingCache(std::filesystem::path file, std::size_t max_bytes);

  std::optional<std::vector<float>> find(const ContentHash& key);
  void add(const ContentHash& key, std::vector<float> embedding);

  /// Writes the file, as a whole or not at all. Throws Error(kUnwritable).
  void save() const;

  /// How many find() has found, how many add() has added, and how many are held.
  std::size_t found() const;
  std::size_t added() const;
  std::size_t size() const;

 private:
  struct Entry {
    std::vector<float> values;
    std::size_t last_use = 0;  ///< counts up
  };

  void make_room();

  std::filesystem::path file_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::size_t uses_ = 0;
  std::size_t found_ = 0;
  std::size_t added_ = 0;
  std::map<ContentHash, Entry> entries_;
  std::map<std::size_t, ContentHash> by_use_;
  mutable std::mutex mutex_;
};

}  // namespace retinaface::evaluation
