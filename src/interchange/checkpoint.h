#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "interchange/stored_tensor.h"

namespace retinaface::interchange {

/// The state dict that a checkpoint file holds: tensors by the names they have there.
struct PyTorchCheckpoint {
  std::string source;  ///< what messages call it, the file's path
  std::map<std::string, StoredTensor, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;  ///< of safetensors files
  std::shared_ptr<const void> memory;                        ///< what the tensors point into
};

/// Reads what torch.save has written, in its legacy or its zip format, or a safetensors file: the
/// content decides, not the name. The state dict is what is saved or what is saved under
/// "state_dict", "model_state_dict" or "model"; what lies beside those is ignored. No code that the
/// file may name is run (pickle.h). Throws Error with the path.
PyTorchCheckpoint read_checkpoint(const std::filesystem::path& path);

/// The same from memory.
PyTorchCheckpoint parse_checkpoint(std::vector<std::byte> content, const std::string& source);

}  // namespace retinaface::interchange
