#include "tracking/matching.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace retinaface::tracking {
namespace {

constexpr std::size_t kLargestGroup = 256;

/// Sets of numbers that are merged (Tarjan 1975).
class Groups {
 public:
  explicit Groups(int size) : parent_(static_cast<std::size_t>(size)) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  int find(int i) {
    while (parent(i) != i) i = parent(i) = parent(parent(i));
    return i;
  }
  void merge(int a, int b) { parent(find(a)) = find(b); }

 private:
  int& parent(int i) { return parent_[static_cast<std::size_t>(i)]; }

  std::vector<int> parent_;
};

/// Numbers from 0 for those that are asked for, in the order of asking.
class Renumbering {
 public:
  explicit Renumbering(int size) : numbers_(static_cast<std::size_t>(size), -1) {}

  std::size_t operator()(int i) {
    int& number = numbers_[static_cast<std::size_t>(i)];
    if (number < 0) {
      number = static_cast<int>(members_.size());
      members_.push_back(i);
    }
    return static_cast<std::size_t>(number);
  }
  const std::vector<int>& members() const { return members_; }
  /// Forgets all members.
  void clear() {
    for (const int i : members_) numbers_[static_cast<std::size_t>(i)] = -1;
    members_.clear();
  }

 private:
  std::vector<int> numbers_;
  std::vector<int> members_;
};

/// For each row of a table of weights with no more rows than columns, its column. Rows are added
/// one by one; each looks for the cheapest way to a free column over columns that change their row,
/// with potentials that keep all costs from 0 up.
std::vector<std::size_t> assign(const std::vector<float>& weights, std::size_t rows,
                                std::size_t columns) {
  RF_CHECK(rows <= columns && weights.size() == rows * columns);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::size_t none = rows;
  std::vector<double> row_potential(rows + 1), column_potential(columns + 1);
  std::vector<std::size_t> row_of(columns + 1, none);  // the last column is where a row begins
  for (std::size_t added = 0; added < rows; ++added) {
    std::vector<double> distance(columns + 1, kInfinity);
    std::vector<std::size_t> came_from(columns + 1, columns);
    std::vector<bool> is_visited(columns + 1, false);
    std::size_t column = columns;
    row_of[column] = added;
    while (row_of[column] != none) {
      is_visited[column] = true;
      const std::size_t row = row_of[column];
      double minimum = kInfinity;
      std::size_t nearest = columns;
      for (std::size_t c = 0; c < columns; ++c) {
        if (is_visited[c]) continue;
        const double cost = -static_cast<double>(weights[row * columns + c]) - row_potential[row] -
                            column_potential[c];
        if (cost < distance[c]) {
          distance[c] = cost;
          came_from[c] = column;
        }
        if (distance[c] < minimum) {
          minimum = distance[c];
          nearest = c;
        }
      }
      for (std::size_t c = 0; c <= columns; ++c) {
        if (is_visited[c]) {
          row_potential[row_of[c]] += minimum;
          column_potential[c] -= minimum;
        } else {
          distance[c] -= minimum;
        }
      }
      column = nearest;
    }
    while (column != columns) {
      row_of[column] = row_of[came_from[column]];
      column = came_from[column];
    }
  }
  std::vector<std::size_t> column_of(rows, 0);
  for (std::size_t c = 0; c < columns; ++c) {
    if (row_of[c] != none) column_of[row_of[c]] = c;
  }
  return column_of;
}

void take_best_first(std::vector<Candidate> group, std::vector<int>& column_of,
                     std::vector<bool>& column_is_taken) {
  std::ranges::stable_sort(group, std::greater(), &Candidate::weight);
  for (const Candidate& pair : group) {
    int& column = column_of[static_cast<std::size_t>(pair.row)];
    if (column >= 0 || column_is_taken[static_cast<std::size_t>(pair.column)]) continue;
    column = pair.column;
    column_is_taken[static_cast<std::size_t>(pair.column)] = true;
  }
}

}  // namespace

std::vector<int> best_pairs(int rows, int columns, std::span<const Candidate> candidates) {
  Groups groups(rows + columns);
  for (const Candidate& pair : candidates) {
    RF_CHECK(pair.row >= 0 && pair.row < rows && pair.column >= 0 && pair.column < columns);
    RF_CHECK(pair.weight > 0);
    groups.merge(pair.row, rows + pair.column);
  }
  std::vector<Candidate> sorted(candidates.begin(), candidates.end());
  std::ranges::stable_sort(sorted, {},
                           [&](const Candidate& pair) { return groups.find(pair.row); });

  std::vector<int> column_of(static_cast<std::size_t>(rows), -1);
  std::vector<bool> column_is_taken(static_cast<std::size_t>(columns), false);
  Renumbering row_numbers(rows), column_numbers(columns);
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const int group = groups.find(begin->row);
    const auto end = std::find_if(
        begin, sorted.end(), [&](const Candidate& pair) { return groups.find(pair.row) != group; });
    row_numbers.clear();
    column_numbers.clear();
    for (auto pair = begin; pair != end; ++pair) {
      row_numbers(pair->row);
      column_numbers(pair->column);
    }
    const std::size_t r = row_numbers.members().size();
    const std::size_t c = column_numbers.members().size();
    if (std::max(r, c) > kLargestGroup) {
      take_best_first({begin, end}, column_of, column_is_taken);
    } else {
      const bool turned = r > c;  // the shorter side first
      std::vector<float> weights(r * c, 0.0F);
      for (auto pair = begin; pair != end; ++pair) {
        const std::size_t row = row_numbers(pair->row);
        const std::size_t column = column_numbers(pair->column);
        weights[turned ? column * r + row : row * c + column] = pair->weight;
      }
      const std::vector<std::size_t> assigned = assign(weights, std::min(r, c), std::max(r, c));
      for (std::size_t i = 0; i < assigned.size(); ++i) {
        // No weight: they are no candidates, paired only because all must be.
        if (weights[i * std::max(r, c) + assigned[i]] <= 0) continue;
        const int row = row_numbers.members()[turned ? assigned[i] : i];
        const int column = column_numbers.members()[turned ? i : assigned[i]];
        column_of[static_cast<std::size_t>(row)] = column;
      }
    }
    begin = end;
  }
  return column_of;
}

}  // namespace retinaface::tracking
