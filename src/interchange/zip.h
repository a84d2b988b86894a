#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace retinaface::interchange {

/// The files of a zip archive by name, as views of `content`. Reads archives whose entries are
/// stored uncompressed, as torch.save writes them, with zip64 sizes where present, and compares
/// every entry's checksum. Throws Error, the message starting with `source`: kBadData for an
/// archive that is cut short, damaged or contradicts itself, kUnsupported for a compressed or
/// encrypted entry. Time is linear in the size of `content`.
std::map<std::string, std::span<const std::byte>, std::less<>> read_zip(
    std::span<const std::byte> content, const std::string& source);

}  // namespace retinaface::interchange
