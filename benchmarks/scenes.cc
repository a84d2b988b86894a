// How often SceneSignature calls a pair of frames a cut that is none, and how often one that is:
//
//     bench_scenes SET
//
// SET is annotated images of any form that training takes. Each image, 1000 px wide, gives frames
// of 800x450: one, and seconds that a camera or light might make of it, or those of three other
// images. Prints the table of reports/scenes.md, in percent.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "retinaface/image.h"

#include "dataset/read_set.h"
#include "image/convert.h"
#include "image/resize.h"
#include "pipeline/scene_signature.h"

namespace retinaface {
namespace {

constexpr int kWidth = 800;
constexpr int kHeight = 450;

using Color = std::array<int, 3>;

/// The image with each pixel changed.
template <typename Change>
Image changed(Image image, const Change& change) {
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* pixel = image.row(y);
    for (int x = 0; x < image.width(); ++x, pixel += 3) {
      const Color color = change(Color{pixel[0], pixel[1], pixel[2]});
      for (std::size_t c = 0; c < color.size(); ++c) {
        pixel[c] = static_cast<std::uint8_t>(std::clamp(color[c], 0, 255));
      }
    }
  }
  return image;
}

/// 1000 px wide, or as high as a frame where it would be lower.
Image to_cut_from(const Image& image) {
  const double scale =
      std::max(1000.0 / image.width(), static_cast<double>(kHeight) / image.height());
  return resize(image, static_cast<int>(std::lround(scale * image.width())),
                static_cast<int>(std::lround(scale * image.height())));
}

/// A frame `aside` px from the left edge's frame, in the middle of the height.
Image frame_of(const Image& image, int aside) {
  return to_rgb(part_of(image, aside, (image.height() - kHeight) / 2, kWidth, kHeight));
}

Image zoomed(const Image& image) {
  const int width = static_cast<int>(kWidth / 1.1);
  const int height = static_cast<int>(kHeight / 1.1);
  const Image part =
      to_rgb(part_of(image, (kWidth - width) / 2, (image.height() - height) / 2, width, height));
  return resize(part, kWidth, kHeight);
}

/// As a video of 9:16 between black bars.
Image between_bars(const Image& frame) {
  constexpr int kNarrow = kHeight * 9 / 16;
  Image result(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    const int left = 3 * ((kWidth - kNarrow) / 2);
    std::copy_n(frame.row(y) + left, 3 * kNarrow, result.row(y) + left);
  }
  return result;
}

/// In colors, in gray, and in brown as old photographs.
Image toned(const Image& image, int tone) {
  return changed(image, [&](const Color& color) {
    const int luma = (299 * color[0] + 587 * color[1] + 114 * color[2]) / 1000;
    if (tone == 0) return color;
    return tone == 1 ? Color{luma, luma, luma} : Color{luma, luma * 85 / 100, luma * 65 / 100};
  });
}

Image lit(const Image& frame, double factor, int more) {
  return changed(frame, [&](Color color) {
    for (int& value : color) value = static_cast<int>(factor * value) + more;
    return color;
  });
}

int run(const std::string& path) {
  const dataset::TrainingSet set = dataset::read_training_set(path);
  std::vector<Image> images;
  for (const dataset::AnnotatedImage& image : set.annotations) {
    images.push_back(to_cut_from(read_image(set.images / image.path)));
  }
  const std::size_t count = images.size();
  using Second = std::function<Image(std::size_t)>;
  const auto own = [&](int aside) {
    return [&, aside](std::size_t i) { return frame_of(images[i], aside); };
  };
  const auto lit_by = [&](double factor, int more) {
    return [&, factor, more](std::size_t i) { return lit(frame_of(images[i], 0), factor, more); };
  };
  const auto other = [&](std::size_t step) {
    return [&, step](std::size_t i) { return frame_of(images[(i + step) % count], 0); };
  };
  std::vector<std::pair<std::string, std::vector<Second>>> rows = {
      {"pan by 5 %", {own(kWidth * 5 / 100)}},
      {"pan by 10 %", {own(kWidth * 10 / 100)}},
      {"pan by 15 %", {own(kWidth * 15 / 100)}},
      {"zoom by 1.1", {[&](std::size_t i) { return zoomed(images[i]); }}},
      {"0.35 of the light", {lit_by(0.35, 0)}},
      {"0.85 of the light", {lit_by(0.85, 0)}},
      {"1.5 of the light", {lit_by(1.5, 0)}},
      {"flash of 120", {lit_by(1, 120)}},
      {"other image", {other(1), other(count / 3), other(count / 2)}}};
  const std::size_t plain = rows.size();
  // The image is narrow: what is a fifth of the frame aside is out of it.
  for (const char* const name :
       {"pan by 5 %", "0.85 of the light", "1.5 of the light", "other image"}) {
    const auto same =
        std::ranges::find(rows, name, &std::pair<std::string, std::vector<Second>>::first);
    rows.emplace_back(std::string(name) + ", between bars", same->second);
  }
  fmt::print("| second frame | pairs | color | gray | brown |\n|---|---|---|---|---|\n");
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto& [name, seconds] = rows[row];
    const auto shown = [&](const Image& frame) {
      return row < plain ? frame : between_bars(frame);
    };
    std::string line = fmt::format("| {} | {} |", name, seconds.size() * count);
    for (int tone = 0; tone < 3; ++tone) {
      std::size_t cuts = 0;
      for (const Second& second : seconds) {
        for (std::size_t i = 0; i < count; ++i) {
          const Image before = shown(toned(frame_of(images[i], 0), tone));
          const Image after = shown(toned(second(i), tone));
          if (pipeline::SceneSignature(before).is_cut_to(pipeline::SceneSignature(after))) ++cuts;
        }
      }
      line += fmt::format(" {:.1f} |", 100.0 * static_cast<double>(cuts) /
                                           static_cast<double>(seconds.size() * count));
    }
    fmt::print("{}\n", line);
  }
  return 0;
}

}  // namespace
}  // namespace retinaface

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: bench_scenes SET\n");
    return 2;
  }
  try {
    return retinaface::run(argv[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_scenes: {}\n", error.what());
    return 1;
  }
}
