#include "image/codecs/image_frames.h"

#include <utility>

#include "retinaface/error.h"

namespace retinaface {
inline namespace internal {
namespace {

/// Of formats that hold one image.
class SingleFrame : public codecs::FrameReader {
 public:
  SingleFrame(const codecs::Decoder& decoder, const codecs::Encoded& encoded)
      : decoder_(decoder), encoded_(encoded) {}

  std::optional<codecs::DecodedFrame> next() override {
    if (std::exchange(is_done_, true)) return std::nullopt;
    return codecs::DecodedFrame{decoder_.decode(encoded_)};
  }

 private:
  const codecs::Decoder& decoder_;
  const codecs::Encoded& encoded_;
  bool is_done_ = false;
};

}  // namespace

codecs::FrameCount count_frames(std::span<const std::byte> encoded) try {
  const ReadOptions options;
  const codecs::Encoded file = {encoded, "image", options};
  const codecs::Decoder& decoder = codecs::decoder_of(file);
  return decoder.count == nullptr ? codecs::FrameCount{} : decoder.count(file);
} catch (const Error&) {  // which who decodes it meets again
  return {};
}

ImageFrames::ImageFrames(std::vector<std::byte> encoded, ReadOptions options, std::string name)
    : bytes_(std::move(encoded)),
      options_(std::move(options)),
      encoded_{bytes_, std::move(name), options_} {
  const codecs::Decoder& decoder = codecs::decoder_of(encoded_);
  reader_ = decoder.open == nullptr ? std::make_unique<SingleFrame>(decoder, encoded_)
                                    : decoder.open(encoded_);
}

std::optional<ImageFrames::Frame> ImageFrames::next() {
  std::optional<codecs::DecodedFrame> decoded = reader_->next();
  if (!decoded) return std::nullopt;
  Frame frame = {codecs::shown(encoded_, std::move(decoded->decoded)), time_s_};
  time_s_ += decoded->duration_s;
  return frame;
}

}  // namespace internal
}  // namespace retinaface
