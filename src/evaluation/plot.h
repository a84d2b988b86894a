#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace retinaface::evaluation {

/// One curve of a diagram; `x` and `y` are equally long.
struct Line {
  std::string label;
  std::vector<double> x;
  std::vector<double> y;
  int color = 0;  ///< lines of one number look alike in all diagrams
};

struct Diagram {
  std::string title;
  std::string x_label;
  std::string y_label;
  double x_max = 1;  ///< both axes start at 0
  double y_max = 1;
  std::vector<Line> lines;
  bool legend_at_bottom_left = false;  ///< else at the bottom right
};

/// Throws Error(kUnsupported) unless the name ends as those of files do that draw_diagrams makes.
void check_drawable(const std::filesystem::path& path);

/// Draws diagrams side by side into one image, .png, .svg or .pdf, by gnuplot, which is started
/// for it. Throws Error: kUnsupported for another extension or where gnuplot is not installed,
/// kUnwritable with gnuplot's complaint when it fails.
void draw_diagrams(const std::filesystem::path& path, std::span<const Diagram> diagrams);

}  // namespace retinaface::evaluation
