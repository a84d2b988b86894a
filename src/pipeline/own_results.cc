#include "pipeline/own_results.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/results.h"

namespace retinaface::pipeline {
namespace {

using nlohmann::json;
using Names = std::span<const std::string_view>;

// doc/output.schema.json has the same.
constexpr std::array<std::string_view, 7> kImageMembers = {"image",  "frame", "time_s", "width",
                                                           "height", "faces", "ms"};
constexpr std::array<std::string_view, 3> kImageNeeds = {"image", "width", "height"};
constexpr std::array<std::string_view, 9> kFaceMembers = {
    "track", "score", "box", "landmarks", "landmarks_68", "embedding", "pose", "quality", "mesh"};
constexpr std::array<std::string_view, 2> kFaceNeeds = {"score", "box"};
constexpr std::array<std::string_view, 6> kVectorMembers = {"image", "score",     "box",
                                                            "row",   "landmarks", "embedding"};
constexpr std::array<std::string_view, 3> kVectorNeeds = {"image", "score", "box"};

/// An object with these members and, of others, none.
bool is_made_of(const json& value, Names members, Names needs) {
  if (!value.is_object()) return false;
  return std::ranges::all_of(needs, [&](std::string_view name) { return value.contains(name); }) &&
         std::ranges::all_of(value.items(), [&](const auto& item) {
           return std::ranges::find(members, item.key()) != members.end();
         });
}

bool is_own_vector(std::string_view line) {
  return is_made_of(json::parse(line, nullptr, false), kVectorMembers, kVectorNeeds);
}

/// The string that JSON begins with, its quotes included; empty where it does not end.
std::string_view leading_string(std::string_view text) {
  if (!text.starts_with('"')) return {};
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return text.substr(0, i + 1);
    }
  }
  return {};
}

bool may_begin(std::string_view text, std::string_view with) {
  return text.starts_with(with) || with.starts_with(text);
}

/// {"image": "a.jpg" and, of what may follow, the first member; or as much of that as there is. A
/// whole object is no beginning.
bool begins(std::string_view text, Names followers) {
  if (json::accept(text)) return false;
  constexpr std::string_view kHead = R"({"image": )";
  if (!text.starts_with(kHead)) return kHead.starts_with(text);
  text.remove_prefix(kHead.size());
  if (text.empty()) return true;
  const std::string_view name = leading_string(text);
  if (name.empty()) return text.starts_with('"');
  text.remove_prefix(name.size());
  return std::ranges::any_of(followers,
                             [&](std::string_view with) { return may_begin(text, with); });
}

/// Whether all lines are whole lines of ours, the last one of a file that was cut a beginning.
bool is_made_of_lines(std::string_view text, bool is_whole, bool (*is_line)(std::string_view),
                      bool (*begins_line)(std::string_view)) {
  bool any = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      // Only the first line is longer than what was read of the file.
      return is_whole ? is_line(text) || begins_line(text) : any || begins_line(text);
    }
    std::string_view line = text.substr(0, end);
    if (line.ends_with(',')) line.remove_suffix(1);  // of an array
    if (!is_line(line)) return false;
    any = true;
    text.remove_prefix(end + 1);
  }
  return any;
}

bool begins_own_vector(std::string_view text) {
  static constexpr std::array<std::string_view, 1> kFollowers = {R"(, "score": )"};
  return begins(text, kFollowers);
}

/// The fields of each row of CSV, of which quoted ones may have commas and line breaks; of a last
/// row that does not end, nothing is said.
std::vector<std::size_t> fields_of_rows(std::string_view text) {
  std::vector<std::size_t> rows;
  std::size_t fields = 1;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == ',') ++fields;
    if (c == '\n') rows.push_back(std::exchange(fields, 1));
  }
  return rows;
}

/// Our header, or that of a former version, which had fewer columns, over rows of as many fields.
bool is_own_csv(std::string_view text) {
  constexpr std::string_view kLeast = "image,width,height,score,x0,y0,x1,y1,";
  const std::string_view head = text.substr(0, text.find('\n'));
  if (!head.starts_with(kLeast) || !csv_head().starts_with(head)) return false;
  const std::vector<std::size_t> rows = fields_of_rows(text);
  return std::ranges::all_of(rows, [&](std::size_t fields) { return fields == rows.front(); });
}

bool is_own_array(std::string_view text, bool is_whole) {
  constexpr std::string_view kBegin = "[\n";
  if (!text.starts_with(kBegin)) return text == "[";
  text.remove_prefix(kBegin.size());
  if (text.ends_with("]\n")) text.remove_suffix(1);
  if (text == "]" || text.ends_with("\n]")) text.remove_suffix(1);
  return text.empty() || is_made_of_lines(text, is_whole, is_own_line, begins_own_line);
}

}  // namespace

bool is_own_line(std::string_view line) {
  const json value = json::parse(line, nullptr, false);
  if (!is_made_of(value, kImageMembers, kImageNeeds)) return false;
  const auto faces = value.find("faces");
  return faces != value.end() && faces->is_array() &&
         std::ranges::all_of(
             *faces, [](const json& face) { return is_made_of(face, kFaceMembers, kFaceNeeds); });
}

bool begins_own_line(std::string_view text) {
  static constexpr std::array<std::string_view, 2> kFollowers = {R"(, "frame": )",
                                                                 R"(, "width": )"};
  return begins(text, kFollowers);
}

bool is_own_results(std::string_view beginning, bool is_whole) {
  return is_own_csv(beginning) ||
         is_made_of_lines(beginning, is_whole, is_own_line, begins_own_line) ||
         is_own_array(beginning, is_whole);
}

bool is_own_vectors(std::string_view beginning, bool is_whole) {
  return is_made_of_lines(beginning, is_whole, is_own_vector, begins_own_vector);
}

}  // namespace retinaface::pipeline
