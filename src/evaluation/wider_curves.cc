#include "evaluation/wider_curves.h"

#include <algorithm>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "evaluation/plot.h"

namespace retinaface::evaluation {

void draw_wider_curves(const std::filesystem::path& path, std::span<const NamedReport> reports) {
  std::vector<Diagram> diagrams;
  for (const Subset subset : kSubsets) {
    std::vector<NamedReport> sorted(reports.begin(), reports.end());
    std::ranges::stable_sort(sorted, std::greater(), [&](const NamedReport& named) {
      return named.report->of(subset).average_precision;
    });
    Diagram& diagram = diagrams.emplace_back();
    diagram.title = name_of(subset);
    diagram.x_label = "Recall";
    diagram.y_label = "Precision";
    diagram.legend_at_bottom_left = true;
    for (const auto& [name, report] : sorted) {
      const SubsetReport& part = report->of(subset);
      Line& line = diagram.lines.emplace_back();
      line.label = fmt::format("{}-{:.3f}", name, part.average_precision);
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
