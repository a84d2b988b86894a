#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "evaluation/false_accepts.h"

namespace retinaface::evaluation {

// Face verification by the protocol of LFW's View 2 (Huang et al. 2007): are two images of one
// person? Pairs stand in folds; the threshold for a fold is the one that does best on the others.

/// Two images that are compared.
struct Pair {
  std::size_t first = 0;  ///< among PairList::images
  std::size_t second = 0;
  bool same = false;  ///< one person
};

/// Which images a set compares.
struct PairList {
  std::vector<std::string> images;  ///< paths below the set's folder, each once
  std::vector<std::vector<Pair>> folds;
};

/// Reads a list of pairs: LFW's own form (a line with the numbers of folds and of pairs, then for
/// each fold as many lines NAME i j and NAME i NAME j; the images are NAME/NAME_0001.jpg); lines of
/// two paths and, behind or before them, 1 or 0 for the same person or not, parted by blanks, or by
/// commas where there are none, which are cut into ten folds of neighbours; or the folder Protocol
/// of CFP, whose frontal-profile splits are the folds and whose images are paths below the folder
/// above it. Throws Error, the path and line first.
PairList read_pairs(const std::filesystem::path& path);

/// Pairs of neighbouring images, 0 and 1, 2 and 3, in ten folds of neighbours: `same` by pair. The
/// images are called "SOURCE[i]". Throws Error(kBadData) for fewer than ten.
PairList pairs_in_order(const std::vector<bool>& same, const std::string& source);

/// The similarities of a list's pairs, fold by fold; a missing one, where a face was not found,
/// counts as lower than all.
using Similarities = std::vector<std::vector<std::optional<float>>>;

/// Shares from 0 to 1.
struct VerificationResult {
  double accuracy = 0;        ///< mean over the folds
  double accuracy_error = 0;  ///< standard error of that mean
  /// By fold and pair, whether the decision was right: for comparisons.
  std::vector<std::vector<bool>> right;
  /// The shares of same pairs that are accepted where different ones are at most at this rate, by
  /// the power of ten; none where there are too few different pairs to tell.
  std::map<int, std::optional<double>> tar_at_far;
  /// The thresholds for those.
  std::map<int, std::optional<float>> threshold_at_far;
  std::size_t missed_pairs = 0;  ///< pairs without a similarity
};

/// `similarities` are as many as the list's pairs. A fold's threshold is the middle between the two
/// neighbouring similarities of the other folds that part them best; with one fold, of its own.
/// Throws Error(kBadData) for a fold without pairs.
VerificationResult verify(const PairList& pairs, const Similarities& similarities);

/// How much more is right, in shares of the pairs, and between what it lies in 95 of 100 samples of
/// the pairs with replacement (paired bootstrap, a thousand samples).
struct AccuracyDifference {
  double mean = 0;
  double low = 0;
  double high = 0;
};
AccuracyDifference accuracy_difference(const VerificationResult& a, const VerificationResult& b);

/// The receiver operating characteristic: by falling threshold, the shares of different and of same
/// pairs that are accepted.
std::vector<RocPoint> roc(const PairList& pairs, const Similarities& similarities);

}  // namespace retinaface::evaluation
