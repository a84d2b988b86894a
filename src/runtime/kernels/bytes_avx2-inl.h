// What AVX2 does with 8 lanes for bytes-inl.h; RF_DOT(sum, a, w) and RF_CELLS, the cells whose sums
// registers hold at once, are the including file's.

#include "runtime/kernels/bytes_sse-inl.h"

namespace {

struct Ops : SixteenByteOps {
  using Int = __m256i;
  using Float = __m256;
  static constexpr int kBlock = 8;
  static constexpr int kCells = RF_CELLS;
  static constexpr bool kManyRegisters = false;
  static constexpr int kStemVectors = 1;

  static Int load_int(const std::int32_t* p) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Int load_any_int(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static Int set_int(std::int32_t x) { return _mm256_set1_epi32(x); }
  static void store_int(std::int32_t* p, Int x) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(p), x);
  }
  static Int load_weights(const std::int8_t* p) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Int broadcast4(const std::uint8_t* p) {
    std::int32_t four;
    std::memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static Int dot(Int sum, Int a, Int w) { return RF_DOT(sum, a, w); }
  static Int widen(const std::uint8_t* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  static Int stack(Int a, Int b, Int c) {
    return _mm256_or_si256(_mm256_or_si256(a, _mm256_slli_epi32(b, 8)), _mm256_slli_epi32(c, 16));
  }
  static Int stack4(Int a, Int b, Int c, Int d) {
    return _mm256_or_si256(stack(a, b, c), _mm256_slli_epi32(d, 24));
  }
  /// A stack of three without its first, and another behind the others.
  static Int push(Int stacked, Int last) {
    return _mm256_or_si256(_mm256_srli_epi32(stacked, 8), _mm256_slli_epi32(last, 16));
  }
  static Float load(const float* p) { return _mm256_load_ps(p); }
  static Float load_any(const float* p) { return _mm256_loadu_ps(p); }
  static Float set(float x) { return _mm256_set1_ps(x); }
  static void store(float* p, Float x) { _mm256_store_ps(p, x); }
  static Float to_float(Int x) { return _mm256_cvtepi32_ps(x); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  /// Rounded, and held to a byte.
  static Int to_bytes(Float x) {
    const Int held = _mm256_max_epi32(_mm256_cvtps_epi32(x), _mm256_setzero_si256());
    return _mm256_min_epi32(held, _mm256_set1_epi32(255));
  }
  static void store_bytes(std::uint8_t* p, Float x) {
    const Int bytes = to_bytes(x);
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
  }
  static void store_bytes4(std::uint8_t* p, Float a, Float b, Float c, Float d) {
    const Int words_ab = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
    const Int words_cd = _mm256_packs_epi32(_mm256_cvtps_epi32(c), _mm256_cvtps_epi32(d));
    // Each half has four lanes of all, one after the other.
    const Int order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(
        reinterpret_cast<__m256i*>(p),
        _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words_ab, words_cd), order));
  }
  static void store_pixels(std::uint8_t* p, Int a, Int b, Int c) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), stack(a, b, c));
  }
};

}  // namespace
