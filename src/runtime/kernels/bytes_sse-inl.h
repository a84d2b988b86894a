// What AVX2 and AVX-512 do alike for bytes-inl.h, on registers of 16 bytes.

namespace {

struct SixteenByteOps {
  /// Of 16 bytes those that `order` names, 0 where it names none, one half after the other.
  static void split_pixels(const std::uint8_t* from, const std::uint8_t* order, std::uint8_t* even,
                           std::uint8_t* odd) {
    const __m128i pixels =
        _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)),
                         _mm_load_si128(reinterpret_cast<const __m128i*>(order)));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(even), pixels);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(odd), _mm_unpackhi_epi64(pixels, pixels));
  }
};

}  // namespace
