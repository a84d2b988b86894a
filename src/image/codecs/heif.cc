// HEIC and AVIF (ISO/IEC 23008-12) by libheif, which is loaded when the first such file is met:
// linked, it would make every start slower for images that most runs never see. Of corrupt files,
// the decoders behind it (libde265, dav1d) print a line to standard error; there is no way to ask
// them not to.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <libheif/heif.h>
#include <libheif/heif_plugin.h>

#include "base/check.h"
#include "base/shared_library.h"
#include "image/codecs/codec.h"
#include "image/codecs/coded_size.h"
#include "image/codecs/heif_brand.h"

namespace retinaface::codecs {
namespace {

constexpr const char* kLibraryName = "libheif.so.1";

bool is_heic(Bytes bytes) {
  return heif_brand(bytes) == HeifBrand::kHeic;
}
bool is_avif(Bytes bytes) {
  return heif_brand(bytes) == HeifBrand::kAvif;
}

/// The functions of libheif that are used, each of the type that its header declares.
struct Library {
#define RF_HEIF_FUNCTIONS(apply)                                                                   \
  apply(context_alloc) apply(context_free) apply(context_read_from_memory_without_copy) apply(     \
      context_get_primary_image_handle) apply(context_set_maximum_image_size_limit)                \
      apply(context_set_max_decoding_threads) apply(image_handle_release) apply(                   \
          image_handle_get_width) apply(image_handle_get_height)                                   \
          apply(image_handle_has_alpha_channel) apply(image_handle_is_premultiplied_alpha) apply(  \
              image_handle_get_color_profile_type) apply(image_handle_get_raw_color_profile_size)  \
              apply(image_handle_get_raw_color_profile) apply(image_handle_get_nclx_color_profile) \
                  apply(nclx_color_profile_free) apply(image_get_bits_per_pixel_range)             \
                      apply(decoding_options_alloc) apply(decoding_options_free)                   \
                          apply(decode_image) apply(image_get_width) apply(image_get_height)       \
                              apply(image_get_plane_readonly) apply(image_release)                 \
                                  apply(image_get_primary_width) apply(image_get_primary_height)   \
                                      apply(register_decoder_plugin) apply(image_create)           \
                                          apply(image_add_plane)                                   \
                                              apply(image_handle_get_list_of_metadata_block_IDs)   \
                                                  apply(image_handle_get_metadata_size)            \
                                                      apply(image_handle_get_metadata)

#define RF_DECLARE(name) decltype(&heif_##name) name = nullptr;
  RF_HEIF_FUNCTIONS(RF_DECLARE)
#undef RF_DECLARE

  /// The library, or nullptr where it is not installed. Stays loaded.
  static const Library* get() {
    static const Library library;
    return library.is_complete ? &library : nullptr;
  }

 private:
  Library() {
    SharedLibrary shared(kLibraryName);
#define RF_FIND(name) shared.find("heif_" #name, name);
    RF_HEIF_FUNCTIONS(RF_FIND)
#undef RF_FIND
#undef RF_HEIF_FUNCTIONS
    is_complete = shared.problem().empty();
  }

  bool is_complete = false;
};

void require(const heif_error& error, const Encoded& encoded, std::string_view format) {
  if (error.subcode == heif_suberror_Security_limit_exceeded) {
    fail(ErrorCode::kTooLarge, "{}: {}", encoded.name, one_line(error.message));
  }
  switch (error.code) {
    case heif_error_Ok:
      return;
    case heif_error_Memory_allocation_error:
      throw std::bad_alloc();
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature:
    case heif_error_Plugin_loading_error:
      encoded.fail_as_unsupported(format, error.message);
    default:
      encoded.fail_as_corrupt(format, error.message);
  }
}

/// A pointer that libheif gave, and the function that it wants it back by.
template <typename T, typename Release>
std::unique_ptr<T, Release> owned(T* pointer, Release release) {
  if (pointer == nullptr) throw std::bad_alloc();
  return {pointer, release};
}

// A file states the size of an image in its boxes, which libheif gives before decoding, and once
// more in the coded stream, which it does not: 500 bytes can make a decoder take all memory. So
// what is to be decoded is measured first: a decoder of ours is handed the streams that another one
// would be (those of tiles and of transparency too), and yields images of their size that nobody
// fills.

/// What is measured, in the thread that does so.
struct Measurement {
  const Library& heif;
  std::int64_t max_pixels = 0;
  CodedSize largest = {};
  bool states_no_size = false;  ///< one of the streams
};
thread_local Measurement* measurement = nullptr;

constexpr heif_error heif_error_of(heif_error_code code, const char* message) {
  return {code, heif_suberror_Unspecified, message};
}

/// The functions of a decoder of `format` that measures.
template <heif_compression_format format, CodedSize (*coded_size)(Bytes)>
struct Measure {
  static constexpr const char* kName = "retinaface-measure";
  static const char* name() { return kName; }

  /// The priority: before all other decoders (theirs is 100) where somebody measures, else none.
  static int supports(heif_compression_format asked) {
    constexpr int kFirst = 1000;
    return measurement != nullptr && asked == format ? kFirst : 0;
  }

  static heif_error make(void** stream) {
    *stream = new (std::nothrow) CodedSize;
    return *stream != nullptr ? kDone : kNoMemory;
  }
  static void free(void* stream) { delete static_cast<CodedSize*>(stream); }

  static heif_error push(void* stream, const void* data, std::size_t size) try {
    CodedSize& largest = *static_cast<CodedSize*>(stream);
    largest = larger(largest, coded_size({static_cast<const std::byte*>(data), size}));
    return kDone;
  } catch (const std::bad_alloc&) {
    return kNoMemory;
  }

  static heif_error decode(void* stream, heif_image** image) {
    const CodedSize size = *static_cast<CodedSize*>(stream);
    measurement->largest = larger(measurement->largest, size);
    const std::int64_t pixels = size.width * size.height;
    measurement->states_no_size = measurement->states_no_size || pixels == 0;
    if (pixels == 0 || pixels > measurement->max_pixels) {
      return heif_error_of(heif_error_Decoder_plugin_error, "not a size to decode");
    }
    const Library& heif = measurement->heif;
    const auto width = static_cast<int>(size.width);
    const auto height = static_cast<int>(size.height);
    heif_error error =
        heif.image_create(width, height, heif_colorspace_monochrome, heif_chroma_monochrome, image);
    if (error.code != heif_error_Ok) return error;
    error = heif.image_add_plane(*image, heif_channel_Y, width, height, 8);
    if (error.code != heif_error_Ok) heif.image_release(*image);
    return error;
  }

  static constexpr heif_error kDone = heif_error_of(heif_error_Ok, "Success");
  static constexpr heif_error kNoMemory =
      heif_error_of(heif_error_Memory_allocation_error, "out of memory");
  static constexpr heif_decoder_plugin kPlugin = {
      .plugin_api_version = 3,
      .get_plugin_name = name,
      .init_plugin = nullptr,
      .deinit_plugin = nullptr,
      .does_support_format = supports,
      .new_decoder = make,
      .free_decoder = free,
      .push_data = push,
      .decode_image = decode,
      .set_strict_decoding = nullptr,
      .id_name = kName,
  };
};

void register_measures(const Library& heif) {
  static const bool registered = [&] {
    return heif.register_decoder_plugin(&Measure<heif_compression_AV1, av1_coded_size>::kPlugin)
                   .code == heif_error_Ok &&
           heif.register_decoder_plugin(&Measure<heif_compression_HEVC, hevc_coded_size>::kPlugin)
                   .code == heif_error_Ok;
  }();
  if (!registered) throw std::bad_alloc();
}

/// Throws kTooLarge where a stream of the image, or what its tiles make, is over the limit, and
/// kBadData where one states no size: dav1d, given nothing at all, leaks.
void check_coded_size(const Library& heif, const heif_image_handle* handle, const Encoded& encoded,
                      std::string_view format) {
  register_measures(heif);
  const auto options = owned(heif.decoding_options_alloc(), heif.decoding_options_free);
  options->ignore_transformations = 1;
  // Coded images are filled up to whole blocks, and tiles are of one size.
  constexpr std::int64_t kMaxFilling = 1 << 20;
  Measurement here = {.heif = heif, .max_pixels = encoded.options.max_pixels + kMaxFilling};
  measurement = &here;
  heif_image* image = nullptr;
  const heif_error error = heif.decode_image(handle, &image, heif_colorspace_undefined,
                                             heif_chroma_undefined, options.get());
  measurement = nullptr;
  if (image != nullptr) {
    here.largest = larger(
        here.largest, {heif.image_get_primary_width(image), heif.image_get_primary_height(image)});
    heif.image_release(image);
  }
  // Other errors are those of the decoding that follows.
  if (here.states_no_size) encoded.fail_as_corrupt(format, "its data state no size of an image");
  if (here.largest.width * here.largest.height > here.max_pixels) {
    encoded.check_size(here.largest.width, here.largest.height);
  }
  if (error.code == heif_error_Memory_allocation_error) require(error, encoded, format);
}

/// The ICC profile of an image's colors; empty if there is none.
std::vector<std::byte> icc_profile_of(const Library& heif, const heif_image_handle* handle) {
  const heif_color_profile_type type = heif.image_handle_get_color_profile_type(handle);
  if (type != heif_color_profile_type_rICC && type != heif_color_profile_type_prof) return {};
  std::vector<std::byte> profile(heif.image_handle_get_raw_color_profile_size(handle));
  const heif_error error = heif.image_handle_get_raw_color_profile(handle, profile.data());
  if (error.code != heif_error_Ok) profile.clear();
  return profile;
}

/// The block of EXIF data, which says nothing of the orientation that is not done already.
std::vector<std::byte> exif_of(const Library& heif, const heif_image_handle* handle) {
  heif_item_id id = 0;
  if (heif.image_handle_get_list_of_metadata_block_IDs(handle, "Exif", &id, 1) != 1) return {};
  // ISO/IEC 23008-12, A.2.1: where the TIFF header begins after this number.
  constexpr std::size_t kOffsetBytes = 4;
  std::vector<std::byte> block(heif.image_handle_get_metadata_size(handle, id));
  if (block.size() < kOffsetBytes ||
      heif.image_handle_get_metadata(handle, id, block.data()).code != heif_error_Ok) {
    return {};
  }
  std::size_t offset = 0;
  for (std::size_t i = 0; i < kOffsetBytes; ++i) {
    offset = offset << 8 | std::to_integer<std::size_t>(block[i]);
  }
  const std::size_t begin = std::min(block.size(), kOffsetBytes + offset);
  return {block.begin() + static_cast<std::ptrdiff_t>(begin), block.end()};
}

CodedColor coded_color_of(const Library& heif, const heif_image_handle* handle) {
  heif_color_profile_nclx* nclx = nullptr;
  const heif_error error = heif.image_handle_get_nclx_color_profile(handle, &nclx);
  if (nclx == nullptr) return {};
  CodedColor color;
  if (error.code == heif_error_Ok) {
    color = {.primaries = nclx->color_primaries, .transfer = nclx->transfer_characteristics};
  }
  heif.nclx_color_profile_free(nclx);  // which is there for values that libheif does not know, too
  return color;
}

/// The decoded pixels in the interleaved form that was asked for.
class Pixels {
 public:
  Pixels(const Library& heif, const heif_image_handle* handle, heif_chroma form,
         const Encoded& encoded, std::string_view format)
      : heif_(heif), image_(nullptr, heif.image_release) {
    const auto options = owned(heif.decoding_options_alloc(), heif.decoding_options_free);
    options->convert_hdr_to_8bit =
        form == heif_chroma_interleaved_RGB || form == heif_chroma_interleaved_RGBA;
    heif_image* image = nullptr;
    require(heif.decode_image(handle, &image, heif_colorspace_RGB, form, options.get()), encoded,
            format);
    image_ = owned(image, heif.image_release);
    data_ = heif.image_get_plane_readonly(image, heif_channel_interleaved, &stride_);
  }

  bool has_size_of(const Image& image) const {
    return data_ != nullptr &&
           heif_.image_get_width(image_.get(), heif_channel_interleaved) == image.width() &&
           heif_.image_get_height(image_.get(), heif_channel_interleaved) == image.height();
  }
  const std::uint8_t* row(int y) const { return data_ + std::ptrdiff_t{y} * stride_; }
  int bits() const {
    return heif_.image_get_bits_per_pixel_range(image_.get(), heif_channel_interleaved);
  }

 private:
  const Library& heif_;
  std::unique_ptr<heif_image, decltype(&heif_image_release)> image_;
  const std::uint8_t* data_ = nullptr;
  int stride_ = 0;
};

/// Divides colors by the alpha that is multiplied in.
void take_alpha_out(std::span<std::uint8_t> rgba) {
  for (std::size_t i = 0; i < rgba.size(); i += 4) {
    const int alpha = rgba[i + 3];
    if (alpha == 0) continue;
    for (std::size_t c = i; c < i + 3; ++c) {
      rgba[c] = static_cast<std::uint8_t>(std::min(255, (rgba[c] * 255 + alpha / 2) / alpha));
    }
  }
}

void take_pixels(const Library& heif, const heif_image_handle* handle, const Encoded& encoded,
                 std::string_view format, Decoded& decoded) {
  const bool has_alpha = heif.image_handle_has_alpha_channel(handle) != 0;
  const bool is_hdr = decoded.icc_profile.empty() && decoded.coded_color.is_hdr();
  Image& image = decoded.image;
  const auto width = static_cast<std::size_t>(image.width());
  const heif_chroma form = is_hdr      ? heif_chroma_interleaved_RRGGBBAA_LE
                           : has_alpha ? heif_chroma_interleaved_RGBA
                                       : heif_chroma_interleaved_RGB;
  const Pixels pixels(heif, handle, form, encoded, format);
  if (!pixels.has_size_of(image)) {
    encoded.fail_as_corrupt(format, "its pixels are not of the size that it promises");
  }
  if (!is_hdr && !has_alpha) {
    for (int y = 0; y < image.height(); ++y) {
      std::memcpy(image.row(y), pixels.row(y), 3 * width);
    }
    return;
  }
  const auto height = static_cast<std::size_t>(image.height());
  if (!is_hdr) {
    std::vector<std::uint8_t> rgba(4 * width * height);
    for (std::size_t y = 0; y < height; ++y) {
      std::memcpy(rgba.data() + 4 * width * y, pixels.row(static_cast<int>(y)), 4 * width);
    }
    if (heif.image_handle_is_premultiplied_alpha(handle) != 0) take_alpha_out(rgba);
    return decoded.take_rgba(rgba);
  }
  const int bits = pixels.bits();
  if (bits < 8 || bits > 16) encoded.fail_as_unsupported(format, "its depth");
  const unsigned max = (1U << bits) - 1;
  std::vector<std::uint16_t> rgba(4 * width * height);
  for (std::size_t y = 0; y < height; ++y) {
    const std::uint8_t* from = pixels.row(static_cast<int>(y));
    std::uint16_t* to = rgba.data() + 4 * width * y;
    for (std::size_t i = 0; i < 4 * width; ++i, from += 2) {
      const unsigned value = std::min(from[0] | static_cast<unsigned>(from[1]) << 8, max);
      to[i] = static_cast<std::uint16_t>(value * 65535 / max);
    }
  }
  decoded.take_coded_rgba(rgba);
}

Decoded decode_heif(const Encoded& encoded, std::string_view format) {
  const Library* library = Library::get();
  if (library == nullptr) {
    encoded.fail_as_unsupported(format, fmt::format("expected {} to be installed", kLibraryName));
  }
  const Library& heif = *library;
  const auto context = owned(heif.context_alloc(), heif.context_free);
  // Of a side: pixels are counted here.
  constexpr int kLargestSide = 65535;
  heif.context_set_maximum_image_size_limit(context.get(), kLargestSide);
  heif.context_set_max_decoding_threads(context.get(), 0);
  require(heif.context_read_from_memory_without_copy(context.get(), encoded.bytes.data(),
                                                     encoded.bytes.size(), nullptr),
          encoded, format);
  heif_image_handle* handle = nullptr;
  require(heif.context_get_primary_image_handle(context.get(), &handle), encoded, format);
  const auto handle_owner = owned(handle, heif.image_handle_release);
  Decoded decoded;
  decoded.image =
      encoded.canvas(heif.image_handle_get_width(handle), heif.image_handle_get_height(handle));

  check_coded_size(heif, handle, encoded, format);

  decoded.icc_profile = icc_profile_of(heif, handle);
  decoded.coded_color = coded_color_of(heif, handle);
  decoded.notes = capture_notes(exif_of(heif, handle));
  take_pixels(heif, handle, encoded, format, decoded);
  // Turning and mirroring are part of the decoding (boxes irot and imir); what EXIF says is not to
  // be applied on top of it.
  return decoded;
}

Decoded decode_heic(const Encoded& encoded) {
  return decode_heif(encoded, "HEIC");
}
Decoded decode_avif(const Encoded& encoded) {
  return decode_heif(encoded, "AVIF");
}

std::size_t big_endian_at(Bytes bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | std::to_integer<std::size_t>(bytes[at + i]);
  return value;
}

/// The samples of the longest track among the boxes of ISO/IEC 14496-12, which `path` leads to.
std::size_t samples_in(Bytes boxes, std::span<const std::string_view> path) {
  constexpr std::size_t kHeader = 8;
  std::size_t longest = 0;
  while (boxes.size() >= kHeader) {
    const std::size_t stated = big_endian_at(boxes, 0);
    const std::size_t size = stated == 0 ? boxes.size() : stated;  // 0: to the end
    if (size < kHeader || size > boxes.size()) break;
    const Bytes content = boxes.subspan(kHeader, size - kHeader);
    if (has_text(boxes, 4, path.front())) {
      constexpr std::size_t kCount = 8;  // after version, flags and the size of all samples
      if (path.size() > 1) {
        longest = std::max(longest, samples_in(content, path.subspan(1)));
      } else if (content.size() >= kCount + 4) {
        longest = std::max(longest, big_endian_at(content, kCount));
      }
    }
    boxes = boxes.subspan(size);
  }
  return longest;
}

/// Of a sequence, by its track; libheif gives its first image.
FrameCount count_heif(const Encoded& encoded) {
  constexpr std::string_view kPath[] = {"moov", "trak", "mdia", "minf", "stbl", "stsz"};
  const std::size_t samples =
      is_heif_sequence(encoded.bytes) ? samples_in(encoded.bytes, kPath) : 1;
  return {.frames = static_cast<std::int64_t>(std::max<std::size_t>(1, samples))};
}

}  // namespace

HeifBrand heif_brand(Bytes bytes) {
  const auto has_brand = [&](std::initializer_list<std::string_view> brands) {
    return std::ranges::any_of(brands,
                               [&](std::string_view brand) { return has_text(bytes, 8, brand); });
  };
  if (!has_text(bytes, 4, "ftyp")) return HeifBrand::kNone;
  if (has_brand({"avif", "avis"})) return HeifBrand::kAvif;
  const bool heic = has_brand({"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"});
  return heic ? HeifBrand::kHeic : HeifBrand::kNone;
}

bool is_heif_sequence(Bytes bytes) {
  constexpr std::string_view kBrands[] = {"avis", "hevc", "hevx", "msf1"};
  return has_text(bytes, 4, "ftyp") && std::ranges::any_of(kBrands, [&](std::string_view brand) {
           return has_text(bytes, 8, brand);
         });
}

const Decoder kHeicDecoder = {"HEIC", is_heic, decode_heic, count_heif};
const Decoder kAvifDecoder = {"AVIF", is_avif, decode_avif, count_heif};

}  // namespace retinaface::codecs
