#pragma once

#include <string>
#include <vector>

namespace retinaface::cli {

/// Whether `retinaface-train` lies beside this program. It is a second one since loading libtorch
/// takes longer than detecting faces, and builds without libtorch have none.
bool has_trainer();

/// Goes on as `retinaface-train ARGUMENTS`; comes back by Error alone: kNotFound where it is not
/// there.
[[noreturn]] void become_trainer(const std::vector<std::string>& arguments);

}  // namespace retinaface::cli
