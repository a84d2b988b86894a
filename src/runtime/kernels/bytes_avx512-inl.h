// What AVX-512 does with 16 lanes for bytes-inl.h; RF_DOT(sum, a, w) is the including file's.

#include "runtime/kernels/bytes_sse-inl.h"

namespace {

struct Ops : SixteenByteOps {
  using Int = __m512i;
  using Float = __m512;
  static constexpr int kBlock = 16;
  static constexpr int kCells = 12;
  static constexpr bool kManyRegisters = true;
  static constexpr int kStemVectors = 2;

  static Int load_int(const std::int32_t* p) { return _mm512_load_si512(p); }
  static Int load_any_int(const void* p) { return _mm512_loadu_si512(p); }
  static Int set_int(std::int32_t x) { return _mm512_set1_epi32(x); }
  static void store_int(std::int32_t* p, Int x) { _mm512_store_si512(p, x); }
  static Int load_weights(const std::int8_t* p) { return _mm512_load_si512(p); }
  static Int broadcast4(const std::uint8_t* p) {
    std::int32_t four;
    std::memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static Int dot(Int sum, Int a, Int w) { return RF_DOT(sum, a, w); }
  static Int widen(const std::uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Int stack(Int a, Int b, Int c) {
    constexpr int kOr = 0xFE;  // of all three
    return _mm512_ternarylogic_epi32(a, _mm512_slli_epi32(b, 8), _mm512_slli_epi32(c, 16), kOr);
  }
  static Int stack4(Int a, Int b, Int c, Int d) {
    return _mm512_or_si512(stack(a, b, c), _mm512_slli_epi32(d, 24));
  }
  /// A stack of three without its first, and another behind the others.
  static Int push(Int stacked, Int last) {
    return _mm512_or_si512(_mm512_srli_epi32(stacked, 8), _mm512_slli_epi32(last, 16));
  }
  static Float load(const float* p) { return _mm512_load_ps(p); }
  static Float load_any(const float* p) { return _mm512_loadu_ps(p); }
  static Float set(float x) { return _mm512_set1_ps(x); }
  static void store(float* p, Float x) { _mm512_store_ps(p, x); }
  static Float to_float(Int x) { return _mm512_cvtepi32_ps(x); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  /// Rounded, and held to a byte.
  static Int to_bytes(Float x) {
    const Int held = _mm512_max_epi32(_mm512_cvtps_epi32(x), _mm512_setzero_si512());
    return _mm512_min_epi32(held, _mm512_set1_epi32(255));
  }
  static void store_bytes(std::uint8_t* p, Float x) {
    const Int held = _mm512_max_epi32(_mm512_cvtps_epi32(x), _mm512_setzero_si512());
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(held));
  }
  static void store_bytes4(std::uint8_t* p, Float a, Float b, Float c, Float d) {
    const Int words_ab = _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
    const Int words_cd = _mm512_packs_epi32(_mm512_cvtps_epi32(c), _mm512_cvtps_epi32(d));
    // Each quarter has four lanes of all, one after the other.
    const Int order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(p,
                        _mm512_permutexvar_epi32(order, _mm512_packus_epi16(words_ab, words_cd)));
  }
  static void store_pixels(std::uint8_t* p, Int a, Int b, Int c) {
    _mm512_storeu_si512(p, stack(a, b, c));
  }
};

}  // namespace
