#include "image/codecs/coded_size.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace retinaface::codecs {
namespace {

/// Reads bits, the highest of each byte first; zeros behind the end, as decoders' readers do.
class Bits {
 public:
  explicit Bits(Bytes bytes) : bytes_(bytes) {}

  bool at_end() const { return position_ >= 8 * bytes_.size(); }

  std::uint64_t take(int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 1 | bit();
    return value;
  }
  bool flag() { return take(1) != 0; }
  void skip(int count) { position_ += static_cast<std::size_t>(count); }

  /// Exp-Golomb: n zeros, a one, n bits. AV1 calls it uvlc, HEVC ue.
  std::uint64_t exp_golomb() {
    constexpr int kMaxZeros = 32;
    int zeros = 0;
    while (!at_end() && !flag()) {
      if (++zeros == kMaxZeros) return (std::uint64_t{1} << kMaxZeros) - 1;
    }
    return (std::uint64_t{1} << zeros) - 1 + take(zeros);
  }

 private:
  std::uint64_t bit() {
    const std::size_t byte = position_ / 8;
    if (byte >= bytes_.size()) return 0;
    const auto shift = static_cast<int>(7 - position_++ % 8);
    return std::to_integer<std::uint64_t>(bytes_[byte]) >> shift & 1;
  }

  Bytes bytes_;
  std::size_t position_ = 0;
};

// ---- AV1

/// What of a sequence header says how large frames are, and how to read as much of theirs.
struct Av1Sequence {
  CodedSize size;          ///< of a frame that says nothing else
  CodedSize stated_max;    ///< what the bits for a frame's own size can hold
  bool one_image = false;  ///< reduced_still_picture_header: frames cannot say anything else
  int presentation_time_bits = 0;
  int frame_id_bits = 0;
  bool chooses_screen_content_tools = true;  ///< each frame does
  bool screen_content_tools = true;
  bool chooses_integer_motion = true;
};

void read_operating_points(Bits& bits, bool decoder_model, int delay_bits) {
  const bool display_delay = bits.flag();
  const auto points = static_cast<int>(bits.take(5)) + 1;
  for (int i = 0; i < points; ++i) {
    bits.skip(12);
    constexpr std::uint64_t kLastLevelWithoutTier = 7;
    if (bits.take(5) > kLastLevelWithoutTier) bits.skip(1);
    if (decoder_model && bits.flag()) bits.skip(2 * delay_bits + 1);
    if (display_delay && bits.flag()) bits.skip(4);
  }
}

/// How many bits a frame's time of presentation has; 0 where it has none.
int read_timing_and_operating_points(Bits& bits) {
  int presentation_time_bits = 0;
  int delay_bits = 0;
  bool decoder_model = false;
  if (bits.flag()) {  // timing
    bits.skip(64);
    const bool equal_intervals = bits.flag();
    if (equal_intervals) bits.exp_golomb();
    decoder_model = bits.flag();
    if (decoder_model) {
      delay_bits = static_cast<int>(bits.take(5)) + 1;
      bits.skip(32 + 5);
      const auto time_bits = static_cast<int>(bits.take(5)) + 1;
      if (!equal_intervals) presentation_time_bits = time_bits;
    }
  }
  read_operating_points(bits, decoder_model, delay_bits);
  return presentation_time_bits;
}

Av1Sequence read_av1_sequence(Bytes unit) {
  Bits bits(unit);
  Av1Sequence sequence;
  bits.skip(3 + 1);  // profile, still_picture
  sequence.one_image = bits.flag();
  if (sequence.one_image) {
    bits.skip(5);  // level
  } else {
    sequence.presentation_time_bits = read_timing_and_operating_points(bits);
  }
  const auto width_bits = static_cast<int>(bits.take(4)) + 1;
  const auto height_bits = static_cast<int>(bits.take(4)) + 1;
  sequence.stated_max = {std::int64_t{1} << width_bits, std::int64_t{1} << height_bits};
  sequence.size.width = static_cast<std::int64_t>(bits.take(width_bits)) + 1;
  sequence.size.height = static_cast<std::int64_t>(bits.take(height_bits)) + 1;
  if (sequence.one_image) return sequence;

  if (bits.flag()) {
    const auto delta_bits = static_cast<int>(bits.take(4)) + 2;
    sequence.frame_id_bits = delta_bits + static_cast<int>(bits.take(3)) + 1;
  }
  bits.skip(3 + 4);  // block size, two filters; four kinds of prediction between frames
  if (bits.flag()) bits.skip(2);  // order hints
  sequence.chooses_screen_content_tools = bits.flag();
  if (!sequence.chooses_screen_content_tools) sequence.screen_content_tools = bits.flag();
  if (sequence.screen_content_tools) sequence.chooses_integer_motion = bits.flag();
  return sequence;
}

/// Whether a frame has a size other than its sequence's (frame_size_override_flag).
bool has_own_size(Bytes unit, const Av1Sequence& sequence) {
  if (sequence.one_image) return false;
  Bits bits(unit);
  if (bits.flag()) return false;  // an earlier frame once more
  constexpr std::uint64_t kKeyFrame = 0;
  constexpr std::uint64_t kSwitchFrame = 3;
  const std::uint64_t type = bits.take(2);
  const bool shown = bits.flag();
  bits.skip(shown ? sequence.presentation_time_bits : 1);
  if (type != kSwitchFrame && !(type == kKeyFrame && shown)) bits.skip(1);
  bits.skip(1);
  const bool screen_content_tools =
      sequence.chooses_screen_content_tools ? bits.flag() : sequence.screen_content_tools;
  if (screen_content_tools && sequence.chooses_integer_motion) bits.skip(1);
  bits.skip(sequence.frame_id_bits);
  return type == kSwitchFrame || bits.flag();
}

/// Seven bits a byte, the lowest first (leb128).
std::uint64_t take_leb128(Bytes& bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8 && !bytes.empty(); ++i) {
    const auto byte = std::to_integer<std::uint64_t>(bytes.front());
    bytes = bytes.subspan(1);
    value |= (byte & 0x7F) << (7 * i);
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

// ---- HEVC

/// A unit without the bytes 3 that keep two zeros before it from looking like a start code.
std::vector<std::byte> unescaped(Bytes unit) {
  std::vector<std::byte> plain;
  plain.reserve(unit.size());
  int zeros = 0;
  for (const std::byte value : unit) {
    if (zeros >= 2 && value == std::byte{3}) {
      zeros = 0;
      continue;
    }
    zeros = value == std::byte{0} ? zeros + 1 : 0;
    plain.push_back(value);
  }
  return plain;
}

void skip_profiles_and_levels(Bits& bits, int sub_layers) {
  constexpr int kProfileBits = 88;
  constexpr int kLevelBits = 8;
  constexpr int kMaxSubLayers = 8;
  bits.skip(kProfileBits + kLevelBits);
  std::array<std::array<bool, 2>, kMaxSubLayers> present{};
  for (int i = 0; i < sub_layers; ++i) {
    for (bool& flag : present[static_cast<std::size_t>(i)]) flag = bits.flag();
  }
  if (sub_layers > 0) bits.skip(2 * (kMaxSubLayers - sub_layers));
  for (const auto& [profile, level] : present) {
    if (profile) bits.skip(kProfileBits);
    if (level) bits.skip(kLevelBits);
  }
}

CodedSize read_hevc_parameters(Bytes unit) {
  const std::vector<std::byte> plain = unescaped(unit);
  Bits bits(plain);
  bits.skip(16 + 4);  // the unit's header, the number of the video's parameters
  const auto sub_layers = static_cast<int>(bits.take(3));
  bits.skip(1);
  skip_profiles_and_levels(bits, sub_layers);
  bits.exp_golomb();  // its own number
  constexpr std::uint64_t kNoSubsampling = 3;
  if (bits.exp_golomb() == kNoSubsampling) bits.skip(1);
  CodedSize size;
  constexpr std::uint64_t kLargestSide = std::numeric_limits<std::int32_t>::max();
  size.width = static_cast<std::int64_t>(std::min(bits.exp_golomb(), kLargestSide));
  size.height = static_cast<std::int64_t>(std::min(bits.exp_golomb(), kLargestSide));
  return size;
}

}  // namespace

CodedSize av1_coded_size(Bytes stream) {
  enum Unit : unsigned { kSequence = 1, kFrameHeader = 3, kFrame = 6, kRedundantFrameHeader = 7 };
  CodedSize largest;
  Av1Sequence sequence;
  while (!stream.empty()) {
    const auto header = std::to_integer<unsigned>(stream.front());
    const unsigned type = header >> 3 & 15;
    const bool has_extension = (header & 4) != 0;
    const bool has_length = (header & 2) != 0;
    stream = stream.subspan(std::min<std::size_t>(has_extension ? 2 : 1, stream.size()));
    const std::uint64_t length = has_length ? take_leb128(stream) : stream.size();
    const Bytes unit = stream.first(std::min<std::uint64_t>(length, stream.size()));
    stream = stream.subspan(unit.size());
    if (type == kSequence) {
      sequence = read_av1_sequence(unit);
      largest = larger(largest, sequence.size);
    } else if ((type == kFrameHeader || type == kFrame || type == kRedundantFrameHeader) &&
               has_own_size(unit, sequence)) {
      largest = larger(largest, sequence.stated_max);
    }
  }
  return largest;
}

CodedSize hevc_coded_size(Bytes stream) {
  constexpr std::size_t kLengthBytes = 4;
  constexpr unsigned kSequenceParameters = 33;
  CodedSize largest;
  while (stream.size() > kLengthBytes) {
    const std::uint64_t length = Bits(stream).take(8 * kLengthBytes);
    stream = stream.subspan(kLengthBytes);
    const Bytes unit = stream.first(std::min<std::uint64_t>(length, stream.size()));
    stream = stream.subspan(unit.size());
    if (!unit.empty() &&
        (std::to_integer<unsigned>(unit.front()) >> 1 & 63) == kSequenceParameters) {
      largest = larger(largest, read_hevc_parameters(unit));
    }
  }
  return largest;
}

}  // namespace retinaface::codecs
