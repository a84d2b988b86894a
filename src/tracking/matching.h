#pragma once

#include <span>
#include <vector>

namespace retinaface::tracking {

/// A row and a column that may be paired, and how well they go together, over 0.
struct Candidate {
  int row = 0;
  int column = 0;
  float weight = 0;
};

/// Pairs each row with at most one column and each column with at most one row, so that the sum of
/// the weights of the pairs is largest: the assignment problem, solved by the Hungarian method
/// with potentials (Kuhn 1955, Munkres 1957) for each group of rows and columns that hang together.
/// In groups of more than 256 rows or columns, the best pair left is taken each time, which is near
/// the largest sum and does not take the cube of their number. Returns for each row its column, or
/// -1. Of two candidates for one pair the last one counts.
std::vector<int> best_pairs(int rows, int columns, std::span<const Candidate> candidates);

}  // namespace retinaface::tracking
