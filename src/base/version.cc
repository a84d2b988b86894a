#include "retinaface/version.h"

#define RETINAFACE_STRING_(x) #x
#define RETINAFACE_STRING(x) RETINAFACE_STRING_(x)

namespace retinaface {

const char* version() {
  return RETINAFACE_STRING(RETINAFACE_VERSION_MAJOR) "." RETINAFACE_STRING(
      RETINAFACE_VERSION_MINOR) "." RETINAFACE_STRING(RETINAFACE_VERSION_PATCH);
}

}  // namespace retinaface
