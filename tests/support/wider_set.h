#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "support/mat_writer.h"

namespace retinaface::testing {

/// A made-up data set in WIDER FACE's layout.
struct WiderSet {
  using Box = std::array<double, 4>;  // x y width height

  struct Image {
    std::string event;
    std::string name;
    std::vector<Box> faces;
    std::array<std::vector<double>, 3> counted;  ///< easy, medium, hard; numbered from 1
  };
  std::vector<Image> images;  ///< those of one event follow each other
};

/// Images of 1024x768 with 1 to `max_faces` whole-number boxes; the larger ones are easy.
inline WiderSet random_wider_set(int events, int images_per_event, int max_faces, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  WiderSet set;
  for (int e = 0; e < events; ++e) {
    for (int p = 0; p < images_per_event; ++p) {
      auto& image = set.images.emplace_back();
      image.event = fmt::format("{}--Event", e);
      image.name = fmt::format("{}_Event_{}", e, p);
      for (int faces = 1 + below(max_faces); faces > 0; --faces) {
        const double side = 8 + below(90);
        image.faces.push_back(
            {static_cast<double>(below(900)), static_cast<double>(below(650)), side, side + 2});
        const auto number = static_cast<double>(image.faces.size());
        for (std::size_t s = 0; s < 3; ++s) {
          if (side >= std::array{50, 30, 10}[s]) image.counted[s].push_back(number);
        }
      }
    }
  }
  return set;
}

/// Writes the four .mat files of a set.
inline void write_ground_truth(const WiderSet& set, const std::filesystem::path& folder) {
  using Lists = std::vector<std::string>;
  Lists events, names, boxes;
  std::array<Lists, 3> counted;
  std::string last;
  Lists event_names, event_boxes;
  std::array<Lists, 3> event_counted;
  const auto close_event = [&] {
    if (event_names.empty()) return;
    events.push_back(mat::text(last));
    names.push_back(mat::cells(event_names));
    boxes.push_back(mat::cells(event_boxes));
    for (std::size_t s = 0; s < 3; ++s) counted[s].push_back(mat::cells(event_counted[s]));
    event_names.clear();
    event_boxes.clear();
    event_counted = {};
  };
  for (const auto& image : set.images) {
    if (image.event != last) close_event();
    last = image.event;
    event_names.push_back(mat::text(image.name));
    std::vector<double> columns;
    for (std::size_t c = 0; c < 4; ++c) {
      for (const auto& face : image.faces) columns.push_back(face[c]);
    }
    event_boxes.push_back(mat::numbers(image.faces.size(), 4, columns));
    for (std::size_t s = 0; s < 3; ++s) {
      event_counted[s].push_back(mat::numbers(image.counted[s].size(), 1, image.counted[s]));
    }
  }
  close_event();

  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& name, const Lists& variables) {
    Lists packed;
    for (const std::string& variable : variables) packed.push_back(mat::compressed(variable));
    std::ofstream(folder / name, std::ios::binary) << mat::file(packed);
  };
  write("wider_face_val.mat", {mat::cells(events, "event_list"), mat::cells(names, "file_list"),
                               mat::cells(boxes, "face_bbx_list")});
  const char* const subsets[] = {"easy", "medium", "hard"};
  for (std::size_t s = 0; s < 3; ++s) {
    write(fmt::format("wider_{}_val.mat", subsets[s]), {mat::cells(counted[s], "gt_list")});
  }
}

/// Writes FOLDER/EVENT/NAME.txt with the given lines "x y width height score".
inline void write_predictions(const WiderSet::Image& image, const std::vector<std::string>& lines,
                              const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / image.event);
  std::ofstream file(folder / image.event / (image.name + ".txt"));
  file << image.name << '\n' << lines.size() << '\n';
  for (const std::string& line : lines) file << line << '\n';
}

/// What a perfect detector would write.
inline std::vector<std::string> perfect_lines(const WiderSet::Image& image) {
  std::vector<std::string> lines;
  for (const auto& [x, y, width, height] : image.faces) {
    lines.push_back(fmt::format("{} {} {} {} 0.9", x, y, width, height));
  }
  return lines;
}

}  // namespace retinaface::testing
