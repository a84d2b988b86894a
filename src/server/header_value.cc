#include "server/header_value.h"

#include <algorithm>

#include "base/number_text.h"
#include "base/trimmed.h"

namespace retinaface::server {
namespace {

std::string in_small_letters(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// What stands before the first `mark` that is not within quotes; takes it and the mark away.
std::string_view take_until(char mark, std::string_view& text) {
  bool in_quotes = false;
  std::size_t i = 0;
  for (; i < text.size() && (in_quotes || text[i] != mark); ++i) {
    if (text[i] == '"') in_quotes = !in_quotes;
    if (in_quotes && text[i] == '\\') ++i;
  }
  i = std::min(i, text.size());
  const std::string_view part = text.substr(0, i);
  text.remove_prefix(std::min(text.size(), i + 1));
  return part;
}

std::string without_quotes(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  std::string result;
  for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    result += text[i];
  }
  return result;
}

/// How well a range of media types fits a type: 3 the type itself, 1 "*/*", 0 not at all.
int fit(std::string_view range, std::string_view type) {
  if (range == type) return 3;
  if (range.ends_with("/*") && type.starts_with(range.substr(0, range.size() - 1))) return 2;
  return range == "*/*" ? 1 : 0;
}

double quality(const HeaderValue& range) {
  const std::string* const text = range.parameter("q");
  if (text == nullptr) return 1;
  const double value = read_number<double>(*text).value_or(0);
  return value >= 0 && value <= 1 ? value : 0;
}

}  // namespace

const std::string* HeaderValue::parameter(std::string_view name) const {
  const auto found =
      std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first);
  return found == parameters.end() ? nullptr : &found->second;
}

HeaderValue parse_header_value(std::string_view text) {
  HeaderValue result;
  result.value = in_small_letters(trimmed(take_until(';', text)));
  while (!text.empty()) {
    const std::string_view part = trimmed(take_until(';', text));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    result.parameters.emplace_back(in_small_letters(trimmed(part.substr(0, equals))),
                                   without_quotes(trimmed(part.substr(equals + 1))));
  }
  return result;
}

std::optional<std::size_t> choose_media_type(std::string_view accept,
                                             std::span<const std::string_view> offered) {
  if (trimmed(accept).empty()) return 0;
  std::vector<int> fits(offered.size());
  std::vector<double> qualities(offered.size());
  while (!accept.empty()) {
    const HeaderValue range = parse_header_value(take_until(',', accept));
    for (std::size_t i = 0; i < offered.size(); ++i) {
      const int this_fit = fit(range.value, offered[i]);
      if (this_fit <= fits[i]) continue;
      fits[i] = this_fit;
      qualities[i] = quality(range);
    }
  }
  const auto best = std::ranges::max_element(qualities);
  if (best == qualities.end() || *best <= 0) return std::nullopt;
  return static_cast<std::size_t>(best - qualities.begin());
}

}  // namespace retinaface::server
