// What NEON does with four lanes for bytes-inl.h; RF_DOT(sum, a, w) is the including file's: sums,
// bytes from 0 to 255, signed bytes.

namespace {

struct Ops {
  using Int = int32x4_t;
  using Float = float32x4_t;
  static constexpr int kBlock = 4;
  static constexpr int kCells = 12;
  static constexpr bool kManyRegisters = true;
  static constexpr int kStemVectors = 2;

  static Int load_int(const std::int32_t* p) { return vld1q_s32(p); }
  static Int load_any_int(const void* p) {
    return vreinterpretq_s32_u8(vld1q_u8(static_cast<const std::uint8_t*>(p)));
  }
  static Int set_int(std::int32_t x) { return vdupq_n_s32(x); }
  static void store_int(std::int32_t* p, Int x) { vst1q_s32(p, x); }
  static Int load_weights(const std::int8_t* p) { return vreinterpretq_s32_s8(vld1q_s8(p)); }
  static Int broadcast4(const std::uint8_t* p) { return vdupq_n_s32(four(p)); }
  static Int dot(Int sum, Int a, Int w) {
    return RF_DOT(sum, vreinterpretq_u8_s32(a), vreinterpretq_s8_s32(w));
  }
  static Int widen(const std::uint8_t* p) {
    const uint16x8_t words = vmovl_u8(vreinterpret_u8_s32(vdup_n_s32(four(p))));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(words)));
  }
  static Int stack(Int a, Int b, Int c) {
    return vorrq_s32(vorrq_s32(a, vshlq_n_s32(b, 8)), vshlq_n_s32(c, 16));
  }
  static Int stack4(Int a, Int b, Int c, Int d) {
    return vorrq_s32(stack(a, b, c), vshlq_n_s32(d, 24));
  }
  /// A stack of three without its first, and another behind the others.
  static Int push(Int stacked, Int last) {
    return vorrq_s32(vshrq_n_s32(stacked, 8), vshlq_n_s32(last, 16));
  }
  static Float load(const float* p) { return vld1q_f32(p); }
  static Float load_any(const float* p) { return vld1q_f32(p); }
  static Float set(float x) { return vdupq_n_f32(x); }
  static void store(float* p, Float x) { vst1q_f32(p, x); }
  static Float to_float(Int x) { return vcvtq_f32_s32(x); }
  static Float fma(Float a, Float b, Float c) { return vfmaq_f32(c, a, b); }
  static Float max(Float a, Float b) { return vmaxq_f32(a, b); }
  /// Rounded, and held to a byte.
  static Int to_bytes(Float x) {
    return vminq_s32(vmaxq_s32(vcvtnq_s32_f32(x), vdupq_n_s32(0)), vdupq_n_s32(255));
  }
  static void store_bytes(std::uint8_t* p, Float x) {
    const std::int32_t bytes = vget_lane_s32(vreinterpret_s32_u8(bytes_of(x, x)), 0);
    std::memcpy(p, &bytes, sizeof bytes);
  }
  static void store_bytes4(std::uint8_t* p, Float a, Float b, Float c, Float d) {
    vst1q_u8(p, vcombine_u8(bytes_of(a, b), bytes_of(c, d)));
  }
  /// Of 16 bytes those that `order` names, 0 where it names none, one half after the other.
  static void split_pixels(const std::uint8_t* from, const std::uint8_t* order, std::uint8_t* even,
                           std::uint8_t* odd) {
    const uint8x16_t pixels = vqtbl1q_u8(vld1q_u8(from), vld1q_u8(order));
    vst1_u8(even, vget_low_u8(pixels));
    vst1_u8(odd, vget_high_u8(pixels));
  }
  static void store_pixels(std::uint8_t* p, Int a, Int b, Int c) {
    vst1q_u8(p, vreinterpretq_u8_s32(stack(a, b, c)));
  }

 private:
  static std::int32_t four(const std::uint8_t* p) {
    std::int32_t bytes;
    std::memcpy(&bytes, p, sizeof bytes);
    return bytes;
  }
  static uint8x8_t bytes_of(Float a, Float b) {
    return vqmovun_s16(vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(a)), vqmovn_s32(vcvtnq_s32_f32(b))));
  }
};

}  // namespace
