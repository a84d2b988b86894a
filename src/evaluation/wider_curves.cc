#include "evaluation/wider_curves.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "evaluation/plot.h"

namespace retinaface::evaluation {

void draw_wider_curves(const std::filesystem::path& path, std::span<const NamedReport> reports) {
  std::vector<Diagram> diagrams;
  for (const Subset subset : kSubsets) {
    const auto ap_of = [&](std::size_t i) {
      return reports[i].report->of(subset).average_precision;
    };
    std::vector<std::size_t> sorted(reports.size());
    std::iota(sorted.begin(), sorted.end(), std::size_t{0});
    std::ranges::stable_sort(sorted, std::greater(), ap_of);
    Diagram& diagram = diagrams.emplace_back();
    diagram.title = name_of(subset);
    diagram.x_label = "Recall";
    diagram.y_label = "Precision";
    diagram.legend_at_bottom_left = true;
    for (const std::size_t i : sorted) {
      const SubsetReport& part = reports[i].report->of(subset);
      Line& line = diagram.lines.emplace_back();
      line.label = fmt::format("{}-{:.3f}", reports[i].name, ap_of(i));
      line.color = static_cast<int>(i);
      for (std::size_t t = 0; t < part.curve.recall.size(); ++t) {
        if (part.curve.recall[t] == 0) continue;  // nothing found yet: no precision to show
        line.x.push_back(part.curve.recall[t]);
        line.y.push_back(part.curve.precision[t]);
      }
      if (line.x.empty()) line.x = line.y = {0};
    }
  }
  draw_diagrams(path, diagrams);
}

}  // namespace retinaface::evaluation
