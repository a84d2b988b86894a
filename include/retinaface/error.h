#pragma once

#include <stdexcept>
#include <string>

#include "retinaface/export.h"

namespace retinaface {

/// What kind of thing went wrong; the message says which one and what was expected.
enum class ErrorCode {
  kInvalidArgument,  ///< an option or argument outside its documented range
  kNotFound,         ///< a file, model or folder that does not exist
  kUnreadable,       ///< the operating system refused to read
  kUnwritable,       ///< the operating system refused to write
  kBadData,          ///< content that is not what its kind demands: truncated, corrupt, mis-shaped
  kUnsupported,      ///< valid content of a kind that this build does not handle
  kTooLarge,         ///< beyond a limit set by the caller or by the library
};

/// The one exception for everything that input or surroundings can cause. Its message names the
/// file (where there is one), what was expected and what was found, and ends without a full stop.
class RETINAFACE_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace retinaface
