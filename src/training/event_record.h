#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

// Records of TensorBoard's event files, without its libraries. A file is a sequence of records
//   length (8 bytes), masked CRC-32C of the length (4), content, masked CRC-32C of the content (4)
// with little-endian numbers (TFRecord), each content one message Event of tensorflow/core/util/
// event.proto in protobuf's encoding.
namespace retinaface::training {

using Scalars = std::span<const std::pair<std::string, double>>;

/// The record that every event file starts with. `time` in seconds since 1970.
std::string first_event_record(double time);

/// Named values of one step; TensorBoard groups names by what stands before a '/'.
std::string scalars_record(double time, std::int64_t step, Scalars scalars);

}  // namespace retinaface::training
