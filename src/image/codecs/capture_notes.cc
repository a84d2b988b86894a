#include "image/codecs/capture_notes.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

#include "image/codecs/exif_block.h"

namespace retinaface {
inline namespace internal {
namespace {

struct Note {
  ExifIfd ifd;
  ExifTag tag;
  std::string CaptureNotes::*value;
};

constexpr std::array kNotes = {
    Note{EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, &CaptureNotes::taken},
    Note{EXIF_IFD_EXIF, EXIF_TAG_OFFSET_TIME_ORIGINAL, &CaptureNotes::offset},
    Note{EXIF_IFD_EXIF, EXIF_TAG_SUB_SEC_TIME_ORIGINAL, &CaptureNotes::fraction},
    Note{EXIF_IFD_0, EXIF_TAG_ARTIST, &CaptureNotes::artist},
    Note{EXIF_IFD_0, EXIF_TAG_COPYRIGHT, &CaptureNotes::copyright}};

std::string text_of(const ExifEntry* entry) {
  if (entry == nullptr || entry->format != EXIF_FORMAT_ASCII || entry->data == nullptr) return {};
  std::string text(reinterpret_cast<const char*>(entry->data), entry->size);
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

void add(ExifData& data, const Note& note, const std::string& text) {
  const std::unique_ptr<ExifEntry, decltype(&exif_entry_unref)> entry(exif_entry_new(),
                                                                      &exif_entry_unref);
  if (!entry) throw std::bad_alloc();
  // It gives its memory back by free().
  entry->data = static_cast<unsigned char*>(std::malloc(text.size() + 1));
  if (entry->data == nullptr) throw std::bad_alloc();
  std::memcpy(entry->data, text.c_str(), text.size() + 1);
  entry->size = static_cast<unsigned>(text.size() + 1);
  entry->components = entry->size;
  entry->format = EXIF_FORMAT_ASCII;
  entry->tag = note.tag;
  exif_content_add_entry(data.ifd[note.ifd], entry.get());
}

}  // namespace

CaptureNotes capture_notes(std::span<const std::byte> exif) {
  CaptureNotes notes;
  const ExifBlock data = parse_exif(exif);
  if (!data) return notes;
  for (const Note& note : kNotes) {
    notes.*note.value = text_of(exif_content_get_entry(data->ifd[note.ifd], note.tag));
  }
  return notes;
}

std::vector<std::byte> exif_of(const CaptureNotes& notes) {
  constexpr std::size_t kMaxBytes = 16 << 10;  // of a value; JPEG's segments have four times that
  const ExifBlock data(exif_data_new(), &exif_data_unref);
  if (!data) throw std::bad_alloc();
  exif_data_set_byte_order(data.get(), EXIF_BYTE_ORDER_INTEL);
  for (const Note& note : kNotes) {
    const std::string& text = notes.*note.value;
    if (!text.empty() && text.size() < kMaxBytes) add(*data, note, text);
  }
  unsigned char* bytes = nullptr;
  unsigned size = 0;
  exif_data_save_data(data.get(), &bytes, &size);
  if (bytes == nullptr) throw std::bad_alloc();
  const auto* const first = reinterpret_cast<const std::byte*>(bytes);
  std::vector<std::byte> block(first, first + size);
  std::free(bytes);
  return block;
}

}  // namespace internal
}  // namespace retinaface
