#include "detection/run_on_image.h"

#include "detection/preprocess.h"
#include "detection/stage_times.h"

namespace retinaface::detection {

void run_on_image(runtime::Session& session, ImageView image,
                  const models::Preprocessing& preprocessing, std::int64_t height,
                  std::int64_t width) {
  {
    const StageTimer timer(&StageTimes::forward_ms);
    if (session.run_on_pixels(pixel_source(image, preprocessing), height, width)) return;
  }
  {
    const StageTimer timer(&StageTimes::prepare_ms);
    preprocess(image, preprocessing, session.input(1, height, width).values(), width);
  }
  const StageTimer timer(&StageTimes::forward_ms);
  session.run();
}

}  // namespace retinaface::detection
