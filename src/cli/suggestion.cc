#include "cli/suggestion.h"

#include <algorithm>
#include <vector>

namespace retinaface::cli {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> before_last;
  std::vector<int> last;
  std::vector<int> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::move(last);
    last = row;
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::optional<std::string> suggestion(std::string_view word, std::span<const std::string> known) {
  constexpr std::size_t kLongestWord = 40;
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string> best;
  // An option's dashes say nothing of which one was meant.
  const std::size_t letters = word.size() - std::min(word.find_first_not_of('-'), word.size());
  int best_distance = 1 + static_cast<int>(letters) / 3;
  for (const std::string& candidate : known) {
    constexpr std::size_t kTelling = 3;  // letters
    const bool begins = word.size() >= kTelling && candidate.starts_with(word);
    const int distance = begins ? 0 : edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace retinaface::cli
