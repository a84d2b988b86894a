#include "evaluation/template_protocol.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <set>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"
#include "base/plain_file.h"

namespace retinaface::evaluation {
namespace {

/// Calls `take(number, line)` for each line of a file, without its end; holds one line at a time.
template <typename Take>
void for_each_line(const std::filesystem::path& path, const Take& take) {
  expect_plain_file(path);
  std::ifstream file(path);
  if (!file) {
    const bool missing = !path_exists(path);
    fail(missing ? ErrorCode::kNotFound : ErrorCode::kUnreadable, "{}: {}", printable(path),
         missing ? "no such file" : "cannot be read");
  }
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) take(number, std::string_view(line));
  }
  if (file.bad()) fail(ErrorCode::kUnreadable, "{}: cannot be read to its end", printable(path));
}

std::vector<std::string_view> parts_of(std::string_view line, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(separator, at), line.size());
    parts.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  if (separator == ' ') std::erase(parts, std::string_view());
  return parts;
}

/// A face as it stands in a list.
struct ListedFace {
  std::int64_t number = 0;  ///< of its template
  TemplateFace face;
};

class TemplateReader {
 public:
  void read(const std::filesystem::path& path) {
    path_ = printable(path);
    columns_.clear();
    is_table_ = false;
    for_each_line(path, [&](std::size_t number, std::string_view line) {
      number_ = number;
      if (number == 1 && line.find("TEMPLATE_ID") != std::string_view::npos) {
        read_columns(line);
      } else if (is_table_) {
        read_row(line);
      } else {
        read_words(line);
      }
    });
  }

  TemplateList result() {
    TemplateList list;
    for (const ListedFace& listed : faces_) list.templates.push_back(listed.number);
    std::ranges::sort(list.templates);
    const auto repeated = std::ranges::unique(list.templates);
    list.templates.erase(repeated.begin(), repeated.end());
    if (list.templates.empty()) fail(ErrorCode::kBadData, "{}: has no faces", path_);
    std::ranges::stable_sort(faces_, {}, [](const ListedFace& listed) {
      return std::pair(listed.number, listed.face.media);
    });
    for (ListedFace& listed : faces_) {
      listed.face.place = *list.find(listed.number);
      list.faces.push_back(std::move(listed.face));
    }
    if (subjects_.empty()) return list;
    for (const std::int64_t number : list.templates) {
      const auto subject = subjects_.find(number);
      if (subject == subjects_.end()) {
        fail(ErrorCode::kBadData, "{}: tells no subject of the template {}, which others tell",
             path_, number);
      }
      list.subjects.push_back(subject->second);
    }
    return list;
  }

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadData, "{}:{}: {}", path_, number_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  void read_words(std::string_view line) {
    const std::vector<std::string_view> words = parts_of(line, ' ');
    const auto number = words.size() == 3 ? read_number<std::int64_t>(words[1]) : std::nullopt;
    const auto media = words.size() == 3 ? read_number<std::int64_t>(words[2]) : std::nullopt;
    if (!number || !media) {
      refuse("expected IMAGE TEMPLATE MEDIA, or a table with TEMPLATE_ID, found '{}'",
             excerpt(line));
    }
    faces_.push_back({*number, {std::string(words[0]), 0, *media, {}}});
  }

  void read_columns(std::string_view line) {
    is_table_ = true;
    const std::vector<std::string_view> names = parts_of(line, ',');
    for (const char* const name : {"TEMPLATE_ID", "SUBJECT_ID", "FILENAME", "FACE_X", "FACE_Y",
                                   "FACE_WIDTH", "FACE_HEIGHT", "SIGHTING_ID"}) {
      const auto found = std::ranges::find(names, name);
      if (found == names.end()) refuse("expected a column {}, found none", name);
      columns_.push_back(static_cast<std::size_t>(found - names.begin()));
    }
    column_count_ = names.size();
  }

  void read_row(std::string_view line) {
    const std::vector<std::string_view> values = parts_of(line, ',');
    if (values.size() != column_count_) {
      refuse("expected {} values, found {}", column_count_, values.size());
    }
    const auto integer = [&](std::size_t column) {
      const auto number = read_number<std::int64_t>(values[columns_[column]]);
      if (!number) refuse("expected a number, found '{}'", excerpt(values[columns_[column]]));
      return *number;
    };
    const auto real = [&](std::size_t column) {
      const auto number = read_number<float>(values[columns_[column]]);
      if (!number) refuse("expected a number, found '{}'", excerpt(values[columns_[column]]));
      return *number;
    };
    const std::int64_t number = integer(0);
    const std::int64_t subject = integer(1);
    if (subjects_.emplace(number, subject).first->second != subject) {
      refuse("the template {} is of two subjects", number);
    }
    const float x = real(3);
    const float y = real(4);
    const Box box = {x, y, x + real(5), y + real(6)};
    faces_.push_back({number, {std::string(values[columns_[2]]), 0, integer(7), box}});
  }

  std::string path_;
  std::size_t number_ = 0;
  bool is_table_ = false;
  std::vector<std::size_t> columns_;
  std::size_t column_count_ = 0;
  std::vector<ListedFace> faces_;
  std::map<std::int64_t, std::int64_t> subjects_;  ///< by template
};

void normalize(std::span<double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  const double length = std::sqrt(squares);
  if (!(length > 0)) return;  // images that cancel out: alike to nothing
  for (double& value : values) value /= length;
}

}  // namespace

std::optional<std::uint32_t> TemplateList::find(std::int64_t number) const {
  const auto found = std::ranges::lower_bound(templates, number);
  if (found == templates.end() || *found != number) return std::nullopt;
  return static_cast<std::uint32_t>(found - templates.begin());
}

TemplateList read_templates(const std::vector<std::filesystem::path>& paths) {
  TemplateReader reader;
  for (const std::filesystem::path& path : paths) reader.read(path);
  return reader.result();
}

void for_each_template_pair(
    const std::filesystem::path& path, const TemplateList& templates,
    const std::function<void(std::uint32_t a, std::uint32_t b, bool same)>& take) {
  for_each_line(path, [&](std::size_t number, std::string_view line) {
    const bool has_label = line.find(',') == std::string_view::npos;
    const std::vector<std::string_view> parts = parts_of(line, has_label ? ' ' : ',');
    const auto refuse = [&](const char* expected) {
      fail(ErrorCode::kBadData, "{}:{}: expected {}, found '{}'", printable(path), number, expected,
           excerpt(line));
    };
    if (parts.size() != (has_label ? 3U : 2U))
      refuse("TEMPLATE TEMPLATE 1 or 0, or two with a comma");
    const auto place = [&](std::string_view text) {
      const auto template_number = read_number<std::int64_t>(text);
      const auto found = template_number ? templates.find(*template_number) : std::nullopt;
      if (!found) refuse("the numbers of two templates that the lists have");
      return *found;
    };
    const std::uint32_t a = place(parts[0]);
    const std::uint32_t b = place(parts[1]);
    if (has_label) {
      if (parts[2] != "0" && parts[2] != "1") refuse("1 or 0 at the end");
      return take(a, b, parts[2] == "1");
    }
    if (templates.subjects.empty()) refuse("1 or 0 at the end, since the lists tell no subjects");
    take(a, b, templates.subjects[a] == templates.subjects[b]);
  });
}

void TemplatePool::add(const std::optional<std::vector<float>>& embedding) {
  RF_CHECK(next_ < templates_.faces.size());
  const TemplateFace& face = templates_.faces[next_];
  if (next_ > 0) {
    const TemplateFace& before = templates_.faces[next_ - 1];
    if (before.place != face.place || before.media != face.media) close_media();
    if (before.place != face.place) close_template();
  }
  ++next_;
  if (!embedding) {
    ++missed_faces_;
    return;
  }
  if (size_ == 0) {
    size_ = embedding->size();
    all_.resize(templates_.templates.size() * size_);
    has_.resize(templates_.templates.size());
    media_sum_.resize(size_);
    template_sum_.resize(size_);
  }
  RF_CHECK(embedding->size() == size_);
  for (std::size_t i = 0; i < size_; ++i) media_sum_[i] += double{(*embedding)[i]};
  ++media_count_;
}

void TemplatePool::finish() {
  RF_CHECK(next_ == templates_.faces.size());
  close_media();
  close_template();
}

void TemplatePool::close_media() {
  if (media_count_ == 0) return;
  for (std::size_t i = 0; i < size_; ++i) {
    template_sum_[i] += media_sum_[i] / static_cast<double>(media_count_);
  }
  std::ranges::fill(media_sum_, 0.0);
  media_count_ = 0;
  has_[templates_.faces[next_ - 1].place] = true;
}

void TemplatePool::close_template() {
  const std::uint32_t place = templates_.faces[next_ - 1].place;
  if (has_.empty() || !has_[place]) return;
  normalize(template_sum_);
  for (std::size_t i = 0; i < size_; ++i) {
    all_[place * size_ + i] = static_cast<float>(template_sum_[i]);
  }
  std::ranges::fill(template_sum_, 0.0);
}

std::size_t TemplatePool::missed_templates() const {
  return templates_.templates.size() - static_cast<std::size_t>(std::ranges::count(has_, true));
}

std::optional<float> TemplatePool::similarity(std::uint32_t a, std::uint32_t b) const {
  if (has_.empty() || !has_[a] || !has_[b]) return std::nullopt;
  double product = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    product += double{all_[a * size_ + i]} * double{all_[b * size_ + i]};
  }
  return static_cast<float>(std::clamp(product, -1.0, 1.0));
}

PairScores score_template_pairs(const std::filesystem::path& pairs, const TemplateList& templates,
                                const TemplatePool& pool) {
  PairScores scores;
  for_each_template_pair(pairs, templates, [&](std::uint32_t a, std::uint32_t b, bool same) {
    const std::optional<float> similarity = pool.similarity(a, b);
    if (similarity) {
      (same ? scores.same : scores.different).push_back(*similarity);
    } else {
      ++(same ? scores.same_missed : scores.different_missed);
    }
  });
  return scores;
}

}  // namespace retinaface::evaluation
