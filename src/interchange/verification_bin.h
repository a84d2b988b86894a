#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace retinaface::interchange {

/// What a .bin file of the ArcFace family holds (lfw.bin, cfp_fp.bin, agedb_30.bin): encoded images
/// of aligned faces, pair by pair, and for each pair whether it is of one person.
struct VerificationBin {
  std::vector<std::string> images;  ///< JPEG or PNG; number 2 i and 2 i + 1 are pair i
  std::vector<bool> same;
};

/// Reads the pickle that such a file is, (images, same). Nothing that the file may name is run
/// (pickle.h). Throws Error, the message starting with `source`: what parse_pickle throws, and
/// kBadData for what is no such pair of lists.
VerificationBin parse_verification_bin(std::vector<std::byte> content, const std::string& source);

}  // namespace retinaface::interchange
