#include "training/event_record.h"

#include <bit>
#include <protozero/pbf_writer.hpp>

#include "base/crc32c.h"

namespace retinaface::training {
namespace {

/// The bytes of a number, the lowest first.
template <typename T>
std::string little_endian(T number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes += static_cast<char>(number >> (8 * i) & 0xFF);
  }
  return bytes;
}

/// TFRecord's CRCs are masked, since a CRC of data that holds its own CRC is a poor one.
std::string guard(std::string_view bytes) {
  constexpr std::uint32_t kMaskDelta = 0xA282EAD8;
  return little_endian(std::rotr(crc32c(bytes), 15) + kMaskDelta);
}

std::string record(std::string_view content) {
  const std::string length = little_endian(std::uint64_t{content.size()});
  return (length + guard(length)).append(content) + guard(content);
}

// Event: wall_time 1, step 2, file_version 3, summary 5. Summary: value 1. Value: tag 1,
// simple_value 2.
constexpr int kTime = 1;
constexpr int kStep = 2;
constexpr int kFileVersion = 3;
constexpr int kSummary = 5;
constexpr int kSummaryValue = 1;
constexpr int kTag = 1;
constexpr int kSimpleValue = 2;

}  // namespace

std::string first_event_record(double time) {
  std::string content;
  protozero::pbf_writer event(content);
  event.add_double(kTime, time);
  event.add_string(kFileVersion, "brain.Event:2");
  return record(content);
}

std::string scalars_record(double time, std::int64_t step, Scalars scalars) {
  std::string content;
  protozero::pbf_writer event(content);
  event.add_double(kTime, time);
  event.add_int64(kStep, step);
  protozero::pbf_writer summary(event, kSummary);
  for (const auto& [name, value] : scalars) {
    protozero::pbf_writer part(summary, kSummaryValue);
    part.add_string(kTag, name);
    part.add_float(kSimpleValue, static_cast<float>(value));
  }
  summary.commit();
  return record(content);
}

}  // namespace retinaface::training
