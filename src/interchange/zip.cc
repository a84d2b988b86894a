// PKWARE's APPNOTE.TXT 6.3: the records are read from the end, as the format wants it: the end
// record leads to the central directory, and that to each entry's local header and data.

#include "interchange/zip.h"

#include <cstdint>
#include <optional>

#include <zlib.h>

#include "base/file.h"
#include "interchange/byte_reader.h"

namespace retinaface::interchange {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kZip64End = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kZip64LocatorBytes = 20;
constexpr std::uint16_t kZip64Extra = 0x0001;
constexpr std::uint16_t kEncrypted = 0x0001;
// A field of this value has its true value in a zip64 record.
constexpr std::uint32_t kElsewhere = 0xFFFFFFFF;
constexpr std::uint16_t kElsewhere16 = 0xFFFF;

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;
};

struct Entry {
  std::string name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t checksum = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t header_offset = 0;
};

class Archive {
 public:
  Archive(std::span<const std::byte> content, const std::string& source)
      : content_(content), source_(source) {}

  Directory directory() const;
  /// Reads the entry at the reader's place in the central directory.
  Entry entry(ByteReader& reader) const;
  std::span<const std::byte> data(const Entry& entry) const;
  ByteReader reader_at(std::uint64_t offset) const {
    ByteReader reader(content_, source_);
    reader.take(offset);
    return reader;
  }

 private:
  std::optional<Directory> zip64_directory(std::size_t end_offset) const;
  std::size_t find_end() const;

  std::span<const std::byte> content_;
  const std::string& source_;
};

/// The end record is the last thing in the file but for a comment of at most 65,535 bytes.
std::size_t Archive::find_end() const {
  const std::size_t size = content_.size();
  for (std::size_t comment = 0; comment <= 0xFFFF && comment + kEndBytes <= size; ++comment) {
    const std::size_t offset = size - kEndBytes - comment;
    if (content_[offset] != std::byte{'P'}) continue;
    ByteReader reader = reader_at(offset);
    if (reader.number<std::uint32_t>() == kEnd) return offset;
  }
  fail(ErrorCode::kBadData, "{}: a zip archive without an end: it is cut short", source_);
}

std::optional<Directory> Archive::zip64_directory(std::size_t end_offset) const {
  if (end_offset < kZip64LocatorBytes) return std::nullopt;
  ByteReader locator = reader_at(end_offset - kZip64LocatorBytes);
  if (locator.number<std::uint32_t>() != kZip64Locator) return std::nullopt;
  locator.take(4);  // number of the disk
  ByteReader reader = reader_at(locator.number<std::uint64_t>());
  if (reader.number<std::uint32_t>() != kZip64End) {
    reader.refuse(ErrorCode::kBadData, "expected the end record of a zip64 archive");
  }
  reader.take(8 + 2 + 2 + 4 + 4 + 8);  // size, versions, disks, entries on this disk
  Directory directory{.entries = reader.number<std::uint64_t>()};
  reader.take(8);  // the directory's size
  directory.offset = reader.number<std::uint64_t>();
  return directory;
}

Directory Archive::directory() const {
  const std::size_t end_offset = find_end();
  ByteReader reader = reader_at(end_offset);
  reader.take(4 + 2 + 2 + 2);  // signature, disks, entries on this disk
  const auto entries = reader.number<std::uint16_t>();
  const auto bytes = reader.number<std::uint32_t>();
  const auto offset = reader.number<std::uint32_t>();
  if (entries == kElsewhere16 || bytes == kElsewhere || offset == kElsewhere) {
    if (const auto directory = zip64_directory(end_offset)) return *directory;
  }
  return {entries, offset};
}

Entry Archive::entry(ByteReader& reader) const {
  if (reader.number<std::uint32_t>() != kCentralHeader) {
    reader.refuse(ErrorCode::kBadData, "expected an entry of the zip archive's directory");
  }
  reader.take(2 + 2);  // versions
  Entry entry;
  entry.flags = reader.number<std::uint16_t>();
  entry.method = reader.number<std::uint16_t>();
  reader.take(4);  // time
  entry.checksum = reader.number<std::uint32_t>();
  entry.stored_bytes = reader.number<std::uint32_t>();
  entry.bytes = reader.number<std::uint32_t>();
  const auto name_bytes = reader.number<std::uint16_t>();
  const auto extra_bytes = reader.number<std::uint16_t>();
  const auto comment_bytes = reader.number<std::uint16_t>();
  reader.take(2 + 2 + 4);  // disk, attributes
  entry.header_offset = reader.number<std::uint32_t>();
  entry.name = reader.text(name_bytes);

  ByteReader extras(reader.take(extra_bytes), source_);
  while (extras.remaining() >= 4) {
    const auto kind = extras.number<std::uint16_t>();
    ByteReader extra(extras.take(extras.number<std::uint16_t>()), source_);
    if (kind != kZip64Extra) continue;
    for (std::uint64_t* const field : {&entry.bytes, &entry.stored_bytes, &entry.header_offset}) {
      if (*field == kElsewhere) *field = extra.number<std::uint64_t>();
    }
  }
  reader.take(comment_bytes);
  return entry;
}

std::span<const std::byte> Archive::data(const Entry& entry) const {
  if ((entry.flags & kEncrypted) != 0 || entry.method != 0 || entry.stored_bytes != entry.bytes) {
    fail(ErrorCode::kUnsupported,
         "{}: {} in it is compressed or encrypted, which torch.save does not do", source_,
         excerpt(entry.name));
  }
  ByteReader reader = reader_at(entry.header_offset);
  if (reader.number<std::uint32_t>() != kLocalHeader) {
    reader.refuse(ErrorCode::kBadData, "expected the header of {}", excerpt(entry.name));
  }
  reader.take(2 + 2 + 2 + 4 + 4 + 4 + 4);  // what the directory has as well
  const auto name_bytes = reader.number<std::uint16_t>();
  const auto extra_bytes = reader.number<std::uint16_t>();
  reader.take(std::uint64_t{name_bytes} + extra_bytes);
  const auto data = reader.take(entry.bytes);
  if (crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()) != entry.checksum) {
    fail(ErrorCode::kBadData, "{}: damaged: the checksum of {} in it is another than recorded",
         source_, excerpt(entry.name));
  }
  return data;
}

}  // namespace

std::map<std::string, std::span<const std::byte>, std::less<>> read_zip(
    std::span<const std::byte> content, const std::string& source) {
  const Archive archive(content, source);
  const Directory directory = archive.directory();
  ByteReader reader = archive.reader_at(directory.offset);
  std::map<std::string, std::span<const std::byte>, std::less<>> files;
  std::uint64_t unclaimed = content.size();
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const Entry entry = archive.entry(reader);
    // Entries may not share bytes: the same ones, named many times, would be summed many times.
    if (entry.bytes > unclaimed) {
      reader.refuse(ErrorCode::kBadData, "the zip archive's entries are larger than the file");
    }
    unclaimed -= entry.bytes;
    if (!files.emplace(entry.name, archive.data(entry)).second) {
      reader.refuse(ErrorCode::kBadData, "{} is twice in the zip archive", excerpt(entry.name));
    }
  }
  if (reader.remaining() >= 4 && reader.number<std::uint32_t>() == kCentralHeader) {
    reader.refuse(ErrorCode::kBadData, "the zip archive has more entries than the {} that it says",
                  directory.entries);
  }
  return files;
}

}  // namespace retinaface::interchange
