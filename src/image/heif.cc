// HEIC and AVIF (ISO/IEC 23008-12) by libheif, which is loaded when the first such file is met:
// linked, it would make every start slower for pictures that most runs never see. Of corrupt files,
// the decoders behind it (libde265, dav1d) print a line to standard error; there is no way to ask
// them not to.

#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include <dlfcn.h>
#include <libheif/heif.h>

#include "base/check.h"
#include "image/codec.h"

namespace retinaface::codecs {
namespace {

constexpr const char* kLibraryName = "libheif.so.1";

/// True when the file's own brand is one of `brands`, four letters each.
bool has_brand(Bytes bytes, std::string_view brands) {
  if (!has_text(bytes, 4, "ftyp")) return false;
  for (std::size_t i = 0; i < brands.size(); i += 4) {
    if (has_text(bytes, 8, brands.substr(i, 4))) return true;
  }
  return false;
}

bool is_heic(Bytes bytes) {
  return has_brand(bytes, "heicheixheimheishevchevxmif1msf1");
}
bool is_avif(Bytes bytes) {
  return has_brand(bytes, "avifavis");
}

/// The functions of libheif that are used, each of the type that its header declares.
class Library {
 public:
  /// The library, or nullptr where it is not installed. Stays loaded.
  static const Library* get() {
    static const std::unique_ptr<const Library> library = load();
    return library.get();
  }

#define RF_HEIF_FUNCTIONS(apply)                                                                 \
  apply(context_alloc) apply(context_free) apply(context_read_from_memory_without_copy)          \
      apply(context_get_primary_image_handle) apply(context_set_maximum_image_size_limit)        \
          apply(context_set_max_decoding_threads) apply(image_handle_release)                    \
              apply(image_handle_get_width) apply(image_handle_get_height)                       \
                  apply(decoding_options_alloc) apply(decoding_options_free) apply(decode_image) \
                      apply(image_get_width) apply(image_get_height)                             \
                          apply(image_get_plane_readonly) apply(image_release)

#define RF_DECLARE(name) decltype(&heif_##name) name = nullptr;
  RF_HEIF_FUNCTIONS(RF_DECLARE)
#undef RF_DECLARE

 private:
  static std::unique_ptr<const Library> load() {
    void* const handle = ::dlopen(kLibraryName, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return nullptr;
    auto library = std::make_unique<Library>();
    bool complete = true;
    const auto find = [&](const char* name, auto& function) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
      complete = complete && function != nullptr;
    };
#define RF_FIND(name) find("heif_" #name, library->name);
    RF_HEIF_FUNCTIONS(RF_FIND)
#undef RF_FIND
#undef RF_HEIF_FUNCTIONS
    if (!complete) return nullptr;
    return library;
  }
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

/// The size limits of libheif are those of a square.
int square_side_of(std::int64_t max_pixels) {
  constexpr double kLargest = 65535;
  return static_cast<int>(
      std::min(kLargest, std::ceil(std::sqrt(static_cast<double>(max_pixels)))));
}

void copy_rows(const Library& heif, const heif_image* from, const Encoded& encoded,
               std::string_view format, Image& to) {
  int stride = 0;
  const std::uint8_t* row = heif.image_get_plane_readonly(from, heif_channel_interleaved, &stride);
  if (row == nullptr || heif.image_get_width(from, heif_channel_interleaved) != to.width() ||
      heif.image_get_height(from, heif_channel_interleaved) != to.height()) {
    encoded.fail_as_corrupt(format, "its pixels are not of the size that it promises");
  }
  for (int y = 0; y < to.height(); ++y, row += stride) {
    std::memcpy(to.row(y), row, static_cast<std::size_t>(to.stride()));
  }
}

Decoded decode_heif(const Encoded& encoded, std::string_view format) {
  const Library* library = Library::get();
  if (library == nullptr) {
    encoded.fail_as_unsupported(format, fmt::format("expected {} to be installed", kLibraryName));
  }
  const Library& heif = *library;
  const auto context = owned(heif.context_alloc(), heif.context_free);
  heif.context_set_maximum_image_size_limit(context.get(), square_side_of(encoded.max_pixels));
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

  const auto options = owned(heif.decoding_options_alloc(), heif.decoding_options_free);
  options->convert_hdr_to_8bit = 1;
  heif_image* image = nullptr;
  require(heif.decode_image(handle, &image, heif_colorspace_RGB, heif_chroma_interleaved_RGB,
                            options.get()),
          encoded, format);
  const auto image_owner = owned(image, heif.image_release);
  copy_rows(heif, image, encoded, format, decoded.image);
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

}  // namespace

const Decoder kHeicDecoder = {"HEIC", is_heic, decode_heic};
const Decoder kAvifDecoder = {"AVIF", is_avif, decode_avif};

}  // namespace retinaface::codecs
