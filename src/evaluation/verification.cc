#include "evaluation/verification.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"
#include "base/random.h"
#include "base/text.h"

namespace retinaface::evaluation {
namespace {

/// Into which lists are cut that have no folds of their own.
constexpr std::size_t kFolds = 10;

/// One pair as it is judged.
struct Judged {
  float similarity = 0;
  bool same = false;
};

float value_of(const std::optional<float>& similarity) {
  return similarity.value_or(-std::numeric_limits<float>::infinity());
}

/// Parted by blanks or, in a line without any, by commas.
std::vector<std::string_view> words_of(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  constexpr std::string_view kBlank = " \t";
  const bool has_blank = line.find_first_of(kBlank) != std::string_view::npos;
  const std::string_view between = has_blank ? kBlank : std::string_view(",");
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(between); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(between, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(between, end);
  }
  return words;
}

/// Reads one list; see read_pairs.
class PairReader {
 public:
  explicit PairReader(const std::filesystem::path& path) : path_(printable(path)) {
    const std::vector<std::byte> content = read_named_file(path);
    for_each_line(text_of(content),
                  [&](std::string_view line, int number) { add_line(number, std::string(line)); });
  }

  PairList result() {
    if (lfw_pairs_ > 0) {
      const std::size_t wanted = 2 * lfw_pairs_ * lfw_folds_;
      if (pairs_.size() != wanted) {
        fail(ErrorCode::kBadData, "{}: expected {} pairs, as its first line says, found {}", path_,
             wanted, pairs_.size());
      }
      cut(lfw_folds_);
    } else {
      if (pairs_.size() < kFolds) {
        fail(ErrorCode::kBadData, "{}: expected {} pairs or more, found {}", path_, kFolds,
             pairs_.size());
      }
      cut(kFolds);
    }
    return std::move(list_);
  }

 private:
  void add_line(int number, std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.empty()) return;
    const auto folds = read_number<std::size_t>(words[0]);
    if (number == 1 && words.size() <= 2 && folds) {
      const auto pairs = read_number<std::size_t>(words.back());
      constexpr std::size_t kMax = 1'000'000;
      if (!pairs || *folds < 1 || *folds > kMax || *pairs < 1 || *pairs > kMax)
        refuse(number, line);
      lfw_folds_ = words.size() == 1 ? 1 : *folds;
      lfw_pairs_ = *pairs;
      return;
    }
    if (lfw_pairs_ > 0) {
      const auto image = [&](std::string_view name, std::string_view place) {
        const auto found = read_number<std::size_t>(place);
        if (!found) refuse(number, line);
        return index_of(fmt::format("{0}/{0}_{1:04}.jpg", name, *found));
      };
      if (words.size() == 3) {
        pairs_.push_back({image(words[0], words[1]), image(words[0], words[2]), true});
      } else if (words.size() == 4) {
        pairs_.push_back({image(words[0], words[1]), image(words[2], words[3]), false});
      } else {
        refuse(number, line);
      }
      return;
    }
    if (words.size() != 3) refuse(number, line);
    const auto is_label = [](std::string_view word) { return word == "0" || word == "1"; };
    // The label behind the paths or before them; one of these may be called "1" itself.
    const bool behind = is_label(words[2]);
    if (!behind && !is_label(words[0])) refuse(number, line);
    const std::size_t first = behind ? 0 : 1;
    pairs_.push_back({index_of(std::string(words[first])), index_of(std::string(words[first + 1])),
                      words[behind ? 2 : 0] == "1"});
  }

  [[noreturn]] void refuse(int number, std::string_view line) const {
    fail(ErrorCode::kBadData,
         "{}:{}: expected NAME i j or NAME i NAME j behind a line of two numbers, or two paths and "
         "1 or 0 behind or before them, found '{}'",
         path_, number, excerpt(line));
  }

  std::size_t index_of(std::string image) {
    const auto [found, is_new] = places_.emplace(image, list_.images.size());
    if (is_new) list_.images.push_back(std::move(image));
    return found->second;
  }

  void cut(std::size_t folds) {
    for (std::size_t fold = 0; fold < folds; ++fold) {
      const auto at = [&](std::size_t number) {
        return pairs_.begin() + static_cast<std::ptrdiff_t>(pairs_.size() * number / folds);
      };
      list_.folds.emplace_back(at(fold), at(fold + 1));
    }
  }

  std::string path_;
  std::size_t lfw_folds_ = 0;
  std::size_t lfw_pairs_ = 0;  ///< of one kind in one fold; 0: the other form
  std::vector<Pair> pairs_;
  std::map<std::string, std::size_t> places_;
  PairList list_;
};

/// CFP's frontal-profile protocol (Sengupta et al. 2016) from its folder Protocol: Pair_list_F.txt
/// and Pair_list_P.txt number images ("7 ../Data/Images/001/frontal/07.jpg"), and
/// Split/FP/NN/same.txt and diff.txt have lines "i,j", a frontal and a profile image.
class CfpReader {
 public:
  explicit CfpReader(const std::filesystem::path& folder) {
    read_numbers(folder / "Pair_list_F.txt", frontal_);
    read_numbers(folder / "Pair_list_P.txt", profile_);
    for (int split = 1;; ++split) {
      const std::filesystem::path of_split = folder / "Split" / "FP" / fmt::format("{:02}", split);
      if (split > 1 && !path_exists(of_split)) break;
      auto& fold = list_.folds.emplace_back();
      read_fold(of_split / "same.txt", true, fold);
      read_fold(of_split / "diff.txt", false, fold);
      if (fold.empty()) {
        fail(ErrorCode::kBadData,
             "{}: expected pairs in same.txt or diff.txt, found none; remove the folder if the "
             "split is not wanted",
             printable(of_split));
      }
    }
  }

  PairList result() { return std::move(list_); }

 private:
  template <typename Take>
  static void for_each_pair_of_words(const std::filesystem::path& path, const Take& take) {
    const std::vector<std::byte> content = read_file(path);
    for_each_line(text_of(content), [&](std::string_view line, int number) {
      const std::vector<std::string_view> words = words_of(line);
      if (words.empty()) return;
      if (words.size() != 2 || !take(words[0], words[1])) {
        fail(ErrorCode::kBadData, "{}:{}: expected two numbers, or a number and a path, found '{}'",
             printable(path), number, excerpt(line));
      }
    });
  }

  void read_numbers(const std::filesystem::path& path, std::map<std::size_t, std::size_t>& places) {
    for_each_pair_of_words(path, [&](std::string_view number, std::string_view image) {
      const auto found = read_number<std::size_t>(number);
      constexpr std::string_view kUp = "../";
      if (image.starts_with(kUp)) image.remove_prefix(kUp.size());
      if (!found || !places.emplace(*found, list_.images.size()).second) return false;
      list_.images.emplace_back(image);
      return true;
    });
  }

  void read_fold(const std::filesystem::path& path, bool same, std::vector<Pair>& fold) const {
    for_each_pair_of_words(path, [&](std::string_view first, std::string_view second) {
      const auto i = read_number<std::size_t>(first);
      const auto j = read_number<std::size_t>(second);
      if (!i || !j) return false;
      const auto frontal = frontal_.find(*i);
      const auto profile = profile_.find(*j);
      if (frontal == frontal_.end() || profile == profile_.end()) return false;
      fold.push_back({frontal->second, profile->second, same});
      return true;
    });
  }

  std::map<std::size_t, std::size_t> frontal_;  ///< places among the images, by number
  std::map<std::size_t, std::size_t> profile_;
  PairList list_;
};

PairList read_cfp_protocol(const std::filesystem::path& folder) {
  return CfpReader(folder).result();
}

/// The threshold from which on pairs are accepted that does best.
float best_threshold(std::vector<Judged> pairs) {
  std::ranges::sort(pairs, {}, &Judged::similarity);
  // All accepted, then one after the other refused.
  auto right = std::ranges::count(pairs, true, &Judged::same);
  auto best = right;
  float threshold = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    right += pairs[i].same ? -1 : 1;
    const bool last = i + 1 == pairs.size();
    if (right <= best || (!last && pairs[i + 1].similarity == pairs[i].similarity)) continue;
    best = right;
    const float low = pairs[i].similarity;
    const float high = last ? std::numeric_limits<float>::infinity() : pairs[i + 1].similarity;
    threshold = std::isfinite(low) && std::isfinite(high) ? std::midpoint(low, high) : high;
  }
  return threshold;
}

constexpr std::size_t kNoFold = std::numeric_limits<std::size_t>::max();

/// All pairs by falling similarity, but those of one fold.
std::vector<Judged> judged(const PairList& pairs, const Similarities& similarities,
                           std::size_t without = kNoFold) {
  std::vector<Judged> all;
  for (std::size_t fold = 0; fold < pairs.folds.size(); ++fold) {
    if (fold == without) continue;
    for (std::size_t i = 0; i < pairs.folds[fold].size(); ++i) {
      all.push_back({value_of(similarities[fold][i]), pairs.folds[fold][i].same});
    }
  }
  std::ranges::sort(all, std::ranges::greater(), &Judged::similarity);
  return all;
}

PairScores scores_of(const PairList& pairs, const Similarities& similarities) {
  PairScores scores;
  for (std::size_t fold = 0; fold < pairs.folds.size(); ++fold) {
    for (std::size_t i = 0; i < pairs.folds[fold].size(); ++i) {
      const bool same = pairs.folds[fold][i].same;
      if (const std::optional<float>& similarity = similarities[fold][i]) {
        (same ? scores.same : scores.different).push_back(*similarity);
      } else {
        ++(same ? scores.same_missed : scores.different_missed);
      }
    }
  }
  return scores;
}

}  // namespace

PairList read_pairs(const std::filesystem::path& path) {
  if (folder_exists(path)) return read_cfp_protocol(path);
  return PairReader(path).result();
}

PairList pairs_in_order(const std::vector<bool>& same, const std::string& source) {
  if (same.size() < kFolds) {
    fail(ErrorCode::kBadData, "{}: expected {} pairs or more, found {}", source, kFolds,
         same.size());
  }
  PairList list;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    auto& pairs = list.folds.emplace_back();
    for (std::size_t i = same.size() * fold / kFolds; i < same.size() * (fold + 1) / kFolds; ++i) {
      pairs.push_back({2 * i, 2 * i + 1, same[i]});
    }
  }
  for (std::size_t i = 0; i < 2 * same.size(); ++i) {
    list.images.push_back(fmt::format("{}[{}]", source, i));
  }
  return list;
}

VerificationResult verify(const PairList& pairs, const Similarities& similarities) {
  RF_CHECK(similarities.size() == pairs.folds.size());
  VerificationResult result;
  std::vector<double> accuracies;
  for (std::size_t fold = 0; fold < pairs.folds.size(); ++fold) {
    RF_CHECK(similarities[fold].size() == pairs.folds[fold].size());
    if (pairs.folds[fold].empty()) {
      fail(ErrorCode::kBadData, "verification: expected pairs in each fold, found none in fold {}",
           fold + 1);
    }
    const std::size_t without = pairs.folds.size() > 1 ? fold : kNoFold;
    const float threshold = best_threshold(judged(pairs, similarities, without));
    std::vector<bool>& right = result.right.emplace_back();
    for (std::size_t i = 0; i < pairs.folds[fold].size(); ++i) {
      const std::optional<float>& similarity = similarities[fold][i];
      if (!similarity) ++result.missed_pairs;
      const bool accepted = similarity.has_value() && *similarity >= threshold;
      right.push_back(accepted == pairs.folds[fold][i].same);
    }
    accuracies.push_back(static_cast<double>(std::ranges::count(right, true)) /
                         static_cast<double>(right.size()));
  }
  const auto folds = static_cast<double>(accuracies.size());
  for (const double accuracy : accuracies) result.accuracy += accuracy / folds;
  if (accuracies.size() > 1) {
    double squares = 0;
    for (const double accuracy : accuracies) squares += std::pow(accuracy - result.accuracy, 2);
    result.accuracy_error = std::sqrt(squares / (folds - 1) / folds);
  }
  PairScores scores = scores_of(pairs, similarities);
  const FarRates rates = far_rates(scores);
  result.tar_at_far = rates.tar;
  result.threshold_at_far = rates.threshold;
  return result;
}

AccuracyDifference accuracy_difference(const VerificationResult& a, const VerificationResult& b) {
  std::vector<int> differences;
  for (std::size_t fold = 0; fold < a.right.size(); ++fold) {
    for (std::size_t i = 0; i < a.right[fold].size(); ++i) {
      differences.push_back(int{b.right[fold][i]} - int{a.right[fold][i]});
    }
  }
  const auto count = static_cast<double>(differences.size());
  AccuracyDifference result;
  for (const int difference : differences) result.mean += difference / count;
  constexpr std::size_t kSamples = 1000;
  Random random(1);
  std::vector<double> means(kSamples);
  for (double& mean : means) {
    int sum = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      sum += differences[random.below(differences.size())];
    }
    mean = sum / count;
  }
  std::ranges::sort(means);
  result.low = means[kSamples / 40];
  result.high = means[kSamples - 1 - kSamples / 40];
  return result;
}

std::vector<RocPoint> roc(const PairList& pairs, const Similarities& similarities) {
  const std::vector<Judged> all = judged(pairs, similarities);
  const auto same = static_cast<double>(std::ranges::count(all, true, &Judged::same));
  const double different = static_cast<double>(all.size()) - same;
  std::vector<RocPoint> points = {{0, 0}};
  double accepted = 0;
  double wrong = 0;
  for (std::size_t i = 0; i < all.size() && std::isfinite(all[i].similarity); ++i) {
    (all[i].same ? accepted : wrong) += 1;
    if (i + 1 < all.size() && all[i + 1].similarity == all[i].similarity) continue;
    points.push_back({wrong / std::max(different, 1.0), accepted / std::max(same, 1.0)});
  }
  return points;
}

}  // namespace retinaface::evaluation
