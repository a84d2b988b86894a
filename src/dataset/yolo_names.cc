#include "dataset/yolo_names.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"
#include "base/trimmed.h"

namespace retinaface::dataset {
namespace {

constexpr std::string_view kKey = "names:";

/// Reads what follows `names:`, of YAML only what such a value needs.
class NamesReader {
 public:
  NamesReader(std::string_view text, std::size_t start, std::string_view file)
      : text_(text), at_(start), file_(file) {}

  std::map<std::string, std::string> read() {
    skip_spaces(false);
    if (next() == '[' || next() == '{') {
      flow(next() == '[' ? ']' : '}');
    } else if (at_line_end()) {
      block();
    } else {
      reject();
    }
    return std::move(names_);
  }

 private:
  char next() const { return at_ < text_.size() ? text_[at_] : '\n'; }
  bool at_line_end() const { return next() == '\n'; }

  [[noreturn]] void reject() const {
    const auto line = 1 + std::ranges::count(text_.substr(0, std::min(at_, text_.size())), '\n');
    fail(ErrorCode::kBadData,
         "{}:{}: expected names of classes as [face, ...], as {{0: face, ...}}, or a line each "
         "like '0: face', found '{}'",
         file_, line, excerpt(trimmed(text_.substr(at_, text_.find('\n', at_) - at_))));
  }

  /// Over spaces and comments; over ends of lines as well where `lines`.
  void skip_spaces(bool lines) {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      const bool comment = c == '#' && (at_ == 0 || trimmed(text_.substr(at_ - 1, 1)).empty());
      if (comment) {
        at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ == text_.size()) return;
      }
      if (text_[at_] == '\n' ? !lines : !trimmed(text_.substr(at_, 1)).empty()) return;
    }
  }

  /// A name or a number, up to one of `ends` where it has no quotes.
  std::string scalar(std::string_view ends) {
    const char quote = next();
    if (quote == '"' || quote == '\'') return quoted(quote);
    const std::size_t start = at_;
    while (!at_line_end() && ends.find(next()) == std::string_view::npos) {
      if (next() == '#' && trimmed(text_.substr(at_ - 1, 1)).empty()) break;
      ++at_;
    }
    const std::string_view word = trimmed(text_.substr(start, at_ - start));
    if (word.empty()) reject();
    return std::string(word);
  }

  std::string quoted(char quote) {
    std::string word;
    for (++at_; !at_line_end(); ++at_) {
      const char c = next();
      const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\n';
      if (c == quote && !(quote == '\'' && after == quote)) {
        ++at_;
        return word;
      }
      const bool escaped = c == quote || (quote == '"' && c == '\\');
      if (c == '\\' && escaped && after != '"' && after != '\\') reject();
      if (escaped) ++at_;
      word += next();
    }
    reject();
  }

  /// "0: face" with the number, "face" with the next one.
  void entry(bool numbered, std::string_view ends) {
    std::string number = std::to_string(names_.size());
    if (numbered) {
      const auto value = read_number<int>(scalar(":"));
      skip_spaces(false);
      if (!value || *value < 0 || next() != ':') reject();
      ++at_;
      skip_spaces(false);
      number = std::to_string(*value);
    }
    if (at_line_end()) reject();
    names_.insert_or_assign(std::move(number), scalar(ends));
  }

  void flow(char end) {
    ++at_;
    for (skip_spaces(true); next() != end; skip_spaces(true)) {
      if (at_ >= text_.size()) reject();
      entry(end == '}', ",]}");
      skip_spaces(true);
      if (next() == ',') {
        ++at_;
      } else if (next() != end) {
        reject();
      }
    }
  }

  /// Up to the next key, which is a line without a space before it.
  void block() {
    for (skip_spaces(true); at_ < text_.size(); skip_spaces(true)) {
      const bool listed = next() == '-';
      if (!listed && text_[at_ - 1] == '\n') return;
      if (listed) {
        ++at_;
        skip_spaces(false);
      }
      entry(!listed, "");
      skip_spaces(false);
      if (!at_line_end()) reject();
    }
  }

  std::string_view text_;
  std::size_t at_;
  std::string_view file_;
  std::map<std::string, std::string> names_;
};

}  // namespace

std::map<std::string, std::string> parse_yolo_names(std::string_view text, std::string_view file) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::size_t start = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  while (start < text.size()) {
    if (text.substr(start).starts_with(kKey)) {
      return NamesReader(text, start + kKey.size(), file).read();
    }
    start = std::min(text.find('\n', start), text.size() - 1) + 1;
  }
  return {};
}

}  // namespace retinaface::dataset
