// Netpbm's PBM, PGM and PPM, plain and raw, of any depth (netpbm.sourceforge.net/doc/pnm.html).
// Not by stb_image, which reads two of the six, and neither byte order nor depth of those.

#include <algorithm>
#include <cstdint>

#include "image/codecs/codec.h"

namespace retinaface::codecs {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_pnm(Bytes bytes) {
  if (!has_text(bytes, 0, "P") || bytes.size() < 3) return false;
  const char kind = static_cast<char>(bytes[1]);
  const char next = static_cast<char>(bytes[2]);
  return kind >= '1' && kind <= '6' && (is_space(next) || next == '#');
}

/// Reads the text parts: numbers with white space and comments between them.
class Scanner {
 public:
  Scanner(const Encoded& encoded, std::size_t position) : encoded_(encoded), at_(position) {}

  Bytes rest() const { return encoded_.bytes.subspan(at_); }

  int number() {
    constexpr int kMax = 100'000'000;
    skip_space();
    int value = 0;
    const std::size_t start = at_;
    for (; !ended() && peek() >= '0' && peek() <= '9'; ++at_) {
      value = value * 10 + (peek() - '0');
      if (value > kMax) encoded_.fail_as_corrupt("PNM", "a number is too large");
    }
    if (at_ == start) {
      encoded_.fail_as_corrupt("PNM", ended() ? "it ends early" : "expected a number");
    }
    return value;
  }

  /// One digit: those of a plain PBM may stand without space between them.
  int bit() {
    skip_space();
    if (ended()) encoded_.fail_as_corrupt("PNM", "it ends early");
    const char digit = peek();
    if (digit != '0' && digit != '1') encoded_.fail_as_corrupt("PNM", "expected 0 or 1");
    ++at_;
    return digit - '0';
  }

  /// The one white space character that ends the header.
  void end_header() {
    if (ended() || !is_space(peek())) encoded_.fail_as_corrupt("PNM", "its header does not end");
    ++at_;
  }

 private:
  bool ended() const { return at_ == encoded_.bytes.size(); }
  char peek() const { return static_cast<char>(encoded_.bytes[at_]); }

  void skip_space() {
    for (bool in_comment = false; !ended(); ++at_) {
      if (peek() == '#') in_comment = true;
      if (peek() == '\n' || peek() == '\r') in_comment = false;
      if (!in_comment && !is_space(peek())) return;
    }
  }

  const Encoded& encoded_;
  std::size_t at_;
};

struct Header {
  bool plain = false;  ///< numbers as text
  bool color = false;  ///< three samples a pixel instead of one
  int max = 1;         ///< the sample that means full intensity; of a bitmap 1, which means black
  bool bitmap = false;
  int width = 0;
  int height = 0;
};

Header read_header(const Encoded& encoded, Scanner& scanner) {
  const int kind = std::to_integer<int>(encoded.bytes[1]) - '0';
  Header header;
  header.plain = kind <= 3;
  header.color = kind % 3 == 0;
  header.bitmap = kind % 3 == 1;
  header.width = scanner.number();
  header.height = scanner.number();
  if (!header.bitmap) header.max = scanner.number();
  if (header.max < 1 || header.max > 65535) {
    encoded.fail_as_corrupt("PNM", "its largest value is not in 1 to 65535");
  }
  if (!header.plain) scanner.end_header();
  return header;
}

/// Writes `samples` samples, which `next` gives one by one, as RGB.
template <typename Next>
void fill_row(const Header& header, Next next, std::uint8_t* rgb) {
  const int samples = header.width * (header.color ? 3 : 1);
  for (int i = 0; i < samples; ++i) {
    const int sample = std::min(next(), header.max);
    auto value = static_cast<std::uint8_t>((sample * 255 + header.max / 2) / header.max);
    if (header.bitmap) value = static_cast<std::uint8_t>(255 - value);
    if (header.color) {
      *rgb++ = value;
    } else {
      rgb = std::fill_n(rgb, 3, value);
    }
  }
}

void decode_plain(const Header& header, Scanner& scanner, Image& image) {
  for (int y = 0; y < image.height(); ++y) {
    fill_row(
        header, [&] { return header.bitmap ? scanner.bit() : scanner.number(); }, image.row(y));
  }
}

/// Bytes that a row needs: exactly of a raw file; of a plain one at least (digits and the space
/// between them, without which the digits of a bitmap do).
std::size_t row_bytes_of(const Header& header) {
  const auto width = static_cast<std::size_t>(header.width);
  if (header.bitmap) return header.plain ? width : (width + 7) / 8;
  const std::size_t samples = width * (header.color ? 3 : 1);
  return header.plain ? 2 * samples - 1 : samples * (header.max > 255 ? 2 : 1);
}

void decode_raw(const Header& header, Bytes bytes, Image& image) {
  const std::size_t row_bytes = row_bytes_of(header);
  for (int y = 0; y < image.height(); ++y) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(bytes.data()) +
                       static_cast<std::size_t>(y) * row_bytes;
    std::size_t i = 0;
    if (header.bitmap) {
      fill_row(
          header,
          [&] {
            const int bit = from[i / 8] >> (7 - i % 8) & 1;
            ++i;
            return bit;
          },
          image.row(y));
    } else if (header.max > 255) {
      fill_row(
          header,
          [&] {
            i += 2;
            return from[i - 2] << 8 | from[i - 1];
          },
          image.row(y));
    } else {
      fill_row(
          header, [&] { return int{from[i++]}; }, image.row(y));
    }
  }
}

Decoded decode_pnm(const Encoded& encoded) {
  Scanner scanner(encoded, 2);
  const Header header = read_header(encoded, scanner);
  encoded.check_size(header.width, header.height);
  if (scanner.rest().size() / row_bytes_of(header) < static_cast<std::size_t>(header.height)) {
    encoded.fail_as_corrupt("PNM", "it ends early");  // before memory is spent on it
  }
  Decoded decoded;
  decoded.image = encoded.canvas(header.width, header.height);
  if (header.plain) {
    decode_plain(header, scanner, decoded.image);
  } else {
    decode_raw(header, scanner.rest(), decoded.image);
  }
  return decoded;
}

}  // namespace

const Decoder kPnmDecoder = {"PNM", is_pnm, decode_pnm};

}  // namespace retinaface::codecs
